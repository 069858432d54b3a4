using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>A host rule ready to be asked: its place in the order, its port, its request rules, its name for people.</summary>
internal sealed class CompiledRule
{
    private static readonly SearchValues<char> MethodCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    private readonly ImmutableArray<CompiledRequest> requests;

    /// <exception cref="MoatException">The port, a method or a path is none.</exception>
    public CompiledRule(int index, HostRuleSpec spec)
    {
        Index = index;
        Port = spec.Port;
        Host = Printable.Text(spec.Host);
        Name = $"{Host}{(spec.Port is { } p ? ":" + p.ToString(CultureInfo.InvariantCulture) : "")} ({Printable.Text(spec.Origin)})";
        if (spec.Port is <= 0 or > 65535) throw Bad("the port is not a number from 1 to 65535", "Write a port from 1 to 65535, or none for 80 and 443.");
        requests = [.. spec.Requests.Select(Compile)];
    }

    public int Index { get; }

    /// <summary>The host as the rule writes it.</summary>
    public string Host { get; }

    public string Name { get; }

    /// <summary>Null is 80 and 443.</summary>
    public int? Port { get; }

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

    /// <summary>The first request rule that matches; null when none does.</summary>
    /// <param name="method">The method as it came.</param>
    /// <param name="path">A canonical path.</param>
    public CompiledRequest? Match(string method, ReadOnlySpan<char> path)
    {
        foreach (var request in requests)
        {
            if (request.Matches(method, path)) return request;
        }

        return null;
    }

    private CompiledRequest Compile(RequestRuleSpec request)
    {
        if (request.Method != "*" && (request.Method.Length == 0 || request.Method.AsSpan().ContainsAnyExcept(MethodCharacters)))
            throw Bad($"'{Printable.Text(request.Method)}' is not a method", "Write a method in upper case, or * for all.");
        if (!PathPattern.TryParse(request.Path, out var path, out var error))
            throw Bad($"'{Printable.Text(request.Path)}' can match no request: {error}", "Write a path such as /repos/*/issues or /repos/**.");
        return new CompiledRequest(request.Allow, request.Method, path, $"{(request.Allow ? "allow" : "deny")} {request.Method} {Printable.Text(request.Path)} in {Name}");
    }

    private MoatException Bad(string problem, string mend) => new($"network rule {Name}: {problem}", mend);
}

/// <summary>
/// One <c>allow|deny METHOD path</c>. An allowing rule is read to the letter, a denying one loosely: a server may run
/// <c>delete</c> as DELETE and serve <c>/Admin.</c> as /admin, and what is unclear is denied.
/// </summary>
internal sealed record CompiledRequest(bool Allow, string Method, PathPattern Path, string Name)
{
    public bool Matches(string method, ReadOnlySpan<char> path) =>
        (Method == "*" || Method.Equals(method, Allow ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase)) && Path.Matches(path, loose: !Allow);
}
