using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>One question to a policy and the answer that is expected. <paramref name="Rule"/> is the statement's id, or null for any.</summary>
public sealed record PolicyCase(int Line, string Action, string Host, int Port, string Method, string Path, string? Grant, bool Allow, string? Rule)
{
    /// <summary>For McpCall; null otherwise.</summary>
    public string? Tool { get; init; }

    /// <summary>Arguments of the tool as JSON text; null for none.</summary>
    public string? Arguments { get; init; }
}

/// <summary>Reads a table of questions: a list of mappings with <c>host</c> and <c>expect</c>, and what else a request has.</summary>
public static class PolicyCases
{
    private static readonly string[] s_keys = ["action", "host", "port", "method", "path", "grant", "tool", "arguments", "expect", "rule"];

    /// <exception cref="MoatException">The file cannot be read or has errors (all of them are in the text).</exception>
    public static ImmutableArray<PolicyCase> Load(string path)
    {
        var bytes = BoundedFile.Read(path, ConfigurationLoader.MaxBytes) ?? throw new MoatException($"there is no file {Text.Printable(path)}", "check the path");
        var errors = new ErrorList(Path.GetFileName(path));
        var reader = new NodeReader(errors);
        ImmutableArray<PolicyCase> cases = Yaml.Read(bytes, errors) is { } root ? [.. reader.Items(root, "the file").Select(item => Case(item, reader)).OfType<PolicyCase>()] : [];
        if (errors.ToSorted() is { IsEmpty: false } sorted) throw new MoatException(string.Join('\n', sorted), "docs/reference/policy.md shows what a case has");
        return cases.IsEmpty ? throw new MoatException($"{Text.Printable(path)} has no cases", "write a list: - {host: example.org, expect: allow}") : cases;
    }

    private static PolicyCase? Case(Node item, NodeReader reader)
    {
        string? host = null, grant = null, rule = null, expect = null, tool = null, arguments = null;
        var (action, port, method, path) = ("HttpRequest", 443L, "GET", "/");
        foreach (var (key, value) in reader.Fields(item, "a case", s_keys))
        {
            switch (key.Value)
            {
                case "action": action = reader.String(value, "action") ?? action; break;
                case "host": host = reader.String(value, "host"); break;
                case "port": port = reader.Integer(value, "port", 1, 65535) ?? port; break;
                case "method": method = reader.String(value, "method") ?? method; break;
                case "path": path = reader.String(value, "path") ?? path; break;
                case "grant": grant = reader.String(value, "grant"); break;
                case "tool": tool = reader.String(value, "tool"); break;
                case "arguments": arguments = reader.String(value, "arguments"); break;
                case "rule": rule = reader.String(value, "rule"); break;
                case "expect":
                    if (value is ScalarNode { Value: "allow" or "deny" } word) expect = word.Value;
                    else reader.Wrong(value, "expect", "allow or deny");
                    break;
            }
        }

        if (host is null || expect is null)
        {
            reader.Bad(item, "a case has a host and what is expected", "write {host: example.org, expect: allow}");
            return null;
        }

        return new PolicyCase(item.Line, action, host, (int)port, method, path, grant, expect == "allow", rule) { Tool = tool, Arguments = arguments };
    }
}
