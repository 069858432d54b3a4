using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>A host rule ready to be asked: its place in the order, its port, its request rules, its name for people.</summary>
internal sealed class CompiledRule
{
    private readonly ImmutableArray<(bool Allow, string Method, PathPattern Path, string Text)> requests;

    public CompiledRule(int index, HostRuleSpec spec)
    {
        Index = index;
        Port = spec.Port;
        Name = $"{spec.Host}{(spec.Port is { } p ? ":" + p.ToString(System.Globalization.CultureInfo.InvariantCulture) : "")} ({Printable.Text(spec.Origin)})";
        requests = [.. spec.Requests.Select(r => (r.Allow, r.Method, new PathPattern(r.Path), $"{(r.Allow ? "allow" : "deny")} {r.Method} {Printable.Text(r.Path)} in {Name}"))];
    }

    public int Index { get; }

    public string Name { get; }

    private int? Port { get; }

    public bool HasRequests => !requests.IsEmpty;

    public bool CoversPort(int port) => Port is { } only ? only == port : port is 80 or 443;

    /// <summary>True when at least one request can pass.</summary>
    public bool AllowsSomething(bool byDefault)
    {
        if (requests.IsEmpty) return true;
        foreach (var request in requests)
        {
            if (request.Allow) return true;
            if (request.Method == "*" && request.Path.MatchesAll) return false;
        }

        return byDefault;
    }

    /// <summary>The verdict of the first request rule that matches; null when none does.</summary>
    public (bool Allow, string Text)? Match(string method, string path)
    {
        foreach (var (allow, ruleMethod, pattern, text) in requests)
        {
            // An allowing rule is read to the letter; a denying one ignores case, since a server may.
            var comparison = allow ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
            if (ruleMethod != "*" && !ruleMethod.Equals(method, comparison)) continue;
            if (pattern.Matches(path, comparison)) return (allow, text);
        }

        return null;
    }
}
