using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>
/// Reads <c>secrets:</c>. A secret is <c>{from: env://NAME, hosts: [api.example.org]}</c>, a placeholder in the sandbox, or
/// <c>{from: env://NAME, expose: true}</c>, the value itself. Neither is the default: a source alone is an error.
/// </summary>
internal sealed class SecretSection(NodeReader reader)
{
    private const string Expected = "{from: env://NAME, hosts: [api.example.org]}, or {from: env://NAME, expose: true} to hand the value to the agent";

    public ImmutableArray<SecretSpec> Read(Node node)
    {
        var secrets = ImmutableArray.CreateBuilder<SecretSpec>();
        foreach (var (key, value) in reader.Entries(node, "secrets"))
        {
            if (!EnvText.IsName(key.Value)) reader.Bad(key, $"{Text.Quoted(key.Value)} is not a variable's name", "use letters, digits and _ (no digit first)");
            else if (value is ScalarNode { IsNull: false }) reader.Bad(value, $"where {key.Value} may go is not said", "write " + Expected);
            else if (Secret(key.Value, value) is { } secret) secrets.Add(secret);
        }
        return secrets.ToImmutable();
    }

    private SecretSpec? Secret(string name, Node node)
    {
        var where = "secrets." + name;
        string? source = null;
        var hosts = ImmutableArray.CreateBuilder<string>();
        var expose = false;
        foreach (var (key, value) in reader.Fields(node, where, ["from", "hosts", "expose"]))
        {
            switch (key.Value)
            {
                case "from": source = Source(value, where); break;
                case "expose": expose = reader.Bool(value, where + ".expose") ?? false; break;
                default:
                    foreach (var item in reader.Items(value, where + ".hosts"))
                    {
                        if (reader.String(item, "an item of hosts") is not { } text) continue;
                        if (SecretText.Host(text, out var problem) is { } host) hosts.Add(host);
                        else reader.Bad(item, problem, "expected a host, with :port if it is not 443");
                    }
                    break;
            }
        }
        if (source is null) return null;
        if (expose == (hosts.Count > 0))
        {
            reader.Bad(node, expose ? $"{where} is exposed and bound to hosts" : $"where {name} may go is not said", "write " + Expected);
            return null;
        }
        return new SecretSpec(name, source) { Hosts = hosts.ToImmutable(), Expose = expose };
    }

    private string? Source(Node node, string where)
    {
        if (reader.String(node, where + ".from") is not { } text) return null;
        if (SecretText.IsSource(text)) return text;
        // It may be a secret in the wrong place, so it is not shown.
        reader.Wrong(node, where + ".from", "env://NAME, file:///path, cmd://command, op://vault/item/field or ssm:///parameter");
        return null;
    }
}
