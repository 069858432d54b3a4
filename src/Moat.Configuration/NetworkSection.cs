using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Reads the <c>network:</c> section.</summary>
internal sealed class NetworkSection(NodeReader reader)
{
    /// <summary>Every field of the section.</summary>
    public static readonly string[] Keys = ["policy", "rules", "host", "ca", "resolve", "registries", "keep_policy", "allow"];
    private static readonly string[] s_methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

    public NetworkConfiguration Read(Node section)
    {
        var network = new NetworkConfiguration();
        foreach (var (key, value) in reader.Fields(section, "network", Keys))
        {
            switch (key.Value)
            {
                case "policy": network = network with { Mode = Policy(value) }; break;
                case "rules": network = network with { Rules = [.. reader.Items(value, "network.rules").Select(Rule).OfType<HostRuleSpec>()] }; break;
                case "host": network = network with { HostPorts = [.. reader.Items(value, "network.host").Select(p => reader.Integer(p, "network.host", 1, 65535)).OfType<long>().Select(p => (int)p).Distinct()] }; break;
                case "ca": network = network with { Ca = [.. reader.Items(value, "network.ca").Select(Ca).OfType<string>()] }; break;
                case "resolve": network = network with { Resolve = Resolve(value) }; break;
                case "registries": network = network with { Registries = reader.Bool(value, "network.registries") ?? true }; break;
                case "keep_policy": reader.Bad(key, NotYet.Problem("network.keep_policy"), NotYet.KeepPolicy); break;
                case "allow": reader.Bad(key, "network.allow is no field", "list the hosts under network.rules (rules: [\"api.example.org\", \"*.example.net\"])"); break;
            }
        }
        return network;
    }

    private NetworkMode Policy(Node value)
    {
        switch ((value as ScalarNode)?.Value)
        {
            case "strict": return NetworkMode.Strict;
            case "permissive": return NetworkMode.Permissive;
            case { Length: > 0 } other when Text.Nearest(other, ["strict", "permissive"]) is { } near:
                reader.Bad(value, $"network.policy is {Text.Quoted(other)}", $"did you mean \"{near}\"?");
                break;
            default:
                reader.Wrong(value, "network.policy", "strict or permissive");
                break;
        }
        return NetworkMode.Strict;
    }

    private HostRuleSpec? Rule(Node item)
    {
        switch (item)
        {
            case ScalarNode { IsNull: false } text:
                return Host(text, []);
            case MappingNode { Entries: [var (host, requests)] }:
                var list = reader.Items(requests, $"the list of {Text.Quoted(host.Value)}");
                if (requests is SequenceNode && list.IsEmpty)
                {
                    reader.Bad(requests, "the host's list is empty", "write the host alone to allow all of it, or a line such as \"allow GET /**\"");
                    return null;
                }
                return Host(host, [.. list.Select(Request).OfType<RequestRuleSpec>()]);
            case MappingNode:
                reader.Bad(item, "a rule has one host", "start each host with its own \"- \"");
                return null;
            default:
                reader.Wrong(item, "a rule", "a host (\"api.example.org\") or a host with a list ({\"api.example.org\": [\"allow GET /**\"]})");
                return null;
        }
    }

    private HostRuleSpec? Host(ScalarNode text, ImmutableArray<RequestRuleSpec> requests)
    {
        if (HostText.TryParse(text.Value, wildcard: true, out var host, out var port, out var problem))
            return new HostRuleSpec(host, port, requests, reader.Origin(text));
        reader.Bad(text, problem, "expected host, *.host, an address, each with :port if it is not 80 or 443");
        return null;
    }

    private RequestRuleSpec? Request(Node item)
    {
        const string Expected = "\"allow METHOD /path\" or \"deny METHOD /path\" (METHOD may be *, in the path * is one segment and ** any number)";
        if (item is not ScalarNode { IsNull: false } text)
        {
            reader.Wrong(item, "a request rule", Expected);
            return null;
        }
        var words = text.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 3)
        {
            reader.Bad(item, "a request rule has three words", "expected " + Expected);
            return null;
        }
        var allow = words[0] == "allow";
        var method = words[1].ToUpperInvariant();
        if (!allow && words[0] != "deny") reader.Bad(item, $"{Text.Quoted(words[0])} is neither allow nor deny", Text.Nearest(words[0], ["allow", "deny"]) is { } near ? $"did you mean \"{near}\"?" : "expected " + Expected);
        else if (method != "*" && !method.All(c => char.IsAsciiLetterUpper(c) || c is '-' or '_')) reader.Bad(item, $"{Text.Quoted(words[1])} is not a method", $"expected * or one such as {string.Join(", ", s_methods.Take(6))}");
        else if (method != "*" && !s_methods.Contains(method) && Text.Nearest(method.ToLowerInvariant(), s_methods.Select(m => m.ToLowerInvariant())) is { } meant)
            reader.Bad(item, $"{Text.Quoted(words[1])} is not a method", $"did you mean \"{meant.ToUpperInvariant()}\"?");
        else if (!words[2].StartsWith('/')) reader.Bad(item, "the path does not start with /", "expected a path such as /repos/**");
        else if (words[2].Any(c => c is < '!' or > '~' or '?' or '#')) reader.Bad(item, "the path has a character that no rule matches", "write the path without its query, outside ASCII percent-encoded");
        else return new RequestRuleSpec(allow, method, words[2]);
        return null;
    }

    private string? Ca(Node item)
    {
        if (reader.String(item, "network.ca") is not { } text) return null;
        if (text.Contains("-----BEGIN", StringComparison.Ordinal))
        {
            if (Certificates.TryParse(text, out _, out var problem)) return text;
            reader.Bad(item, "network.ca: " + problem, "expected a path or PEM text of certificates");
            return null;
        }
        if (text.Length > 0 && !text.Any(char.IsControl)) return text;
        reader.Wrong(item, "network.ca", "a path or PEM text of certificates");
        return null;
    }

    private ImmutableSortedDictionary<string, string> Resolve(Node value)
    {
        var map = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, item) in reader.Entries(value, "network.resolve"))
        {
            if (!HostText.TryParse(key.Value, wildcard: false, out var host, out var port, out var problem))
                reader.Bad(key, problem, "expected a host name");
            else if (port is not null) reader.Bad(key, "the name has a port", "put the port after the address");
            else if (item is not ScalarNode text || !HostText.TryParseAddress(text.Value, out var address))
                reader.Wrong(item, $"the address of {host}", "an IPv4 or IPv6 address, with :port if it differs");
            else if (!map.TryAdd(host, address)) reader.Bad(key, $"{host} is already given in another spelling", "remove one of them");
        }
        return map.ToImmutable();
    }
}
