using System.Collections.Immutable;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// What a credential may be used for, in one place that narrows it. <paramref name="Text"/> is as the person wrote it;
/// a request that no rule allows gets no credential.
/// </summary>
public sealed record GrantScope(string Text, ImmutableArray<GrantScopeRule> Rules)
{
    /// <summary>In place of <see cref="Rules"/> for the grant <c>aws</c>, whose requests are told apart by their signatures; else empty.</summary>
    public ImmutableArray<AwsScopeRule> Aws { get; init; } = [];

    private const string Mend = "write \"GET /path/**\" (METHOD may be *, in the path * is one segment and ** any number), \"host GET /path\", or a preset of the provider (docs/reference/grants.md)";

    /// <summary>Reads the entries of one <c>--scope</c> or <c>allow:</c>; null when there are none.</summary>
    /// <exception cref="MoatException">An entry is neither a request nor a preset of the provider.</exception>
    internal static GrantScope? Parse(ProviderDefinition provider, ImmutableArray<string> entries)
        => entries.IsEmpty ? null
            : SshGrant.HostOf(provider.Name) is not null ? throw Bad(provider, entries[0], "there are no requests in an SSH session that it could narrow", "leave the scope out; narrow what the key may do at the host (a deploy key of one repository)")
            : provider.Name == AwsGrant.Name ? new GrantScope(string.Join(", ", entries), []) { Aws = [.. entries.Select(entry => AwsScopeRule.Parse(entry, out var problem) ?? throw Bad(provider, entry, problem, AwsScopeRule.Mend))] }
            : new GrantScope(string.Join(", ", entries), [.. entries.SelectMany(entry => Parse(provider, entry))]);

    private static IEnumerable<GrantScopeRule> Parse(ProviderDefinition provider, string entry)
    {
        var words = entry.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is [var method, ['/', ..] path] && IsMethod(method)) return [new GrantScopeRule("", method, CheckPath(provider, entry, path))];
        if (words is [var host, var second, ['/', ..] third] && IsMethod(second))
        {
            // Where only the stored credential knows the hosts, a host that is none of them matches no request.
            if (!provider.Bindings.IsEmpty && !provider.Bindings.Any(binding => binding.Host == host))
                throw Bad(provider, entry, $"{GrantNames.Printable(host)} is not a host of this grant", $"its hosts are {string.Join(", ", provider.Bindings.Select(binding => binding.Host).Distinct(StringComparer.Ordinal))}");
            return [new GrantScopeRule(host, second, CheckPath(provider, entry, third))];
        }
        return GrantPresets.Find(provider.Name, words) ?? throw Bad(provider, entry, "it is neither a request nor a preset of this provider", Mend);
    }

    private static bool IsMethod(string word) => word == "*" || word.All(c => char.IsAsciiLetterUpper(c) || c is '-' or '_');

    private static string CheckPath(ProviderDefinition provider, string entry, string path)
        => PathProblem(path) is { } problem ? throw Bad(provider, entry, problem, Mend) : path;

    /// <summary>Why a path pattern could match no request; null when it can.</summary>
    internal static string? PathProblem(string path)
    {
        if (!path.StartsWith('/')) return "the path does not begin with a slash";
        if (path.Any(c => c is < '!' or > '~' or '?' or '#' or ';' or '\\' or '%')) return "the path has a character that no path of a rule has";
        var segments = path.Split('/')[1..];
        for (var i = 0; i < segments.Length; i++)
        {
            if (segments[i].Length == 0 && i < segments.Length - 1) return "the path has an empty segment";
            if (segments[i] is "." or "..") return "the path has a dot segment";
            if (segments[i].Contains('*', StringComparison.Ordinal) && segments[i] is not ("*" or "**")) return "* stands for a whole segment and ** for any number of them";
        }
        return null;
    }

    private static MoatException Bad(ProviderDefinition provider, string entry, string problem, string mend)
        => new($"the scope \"{GrantNames.Printable(entry)}\" of the grant {provider.Name}: {problem}", mend);
}

/// <summary>One kind of request: a method or <c>*</c>, a path pattern, and a host of a binding or empty for each of them.</summary>
public sealed record GrantScopeRule(string Host, string Method, string Path);
