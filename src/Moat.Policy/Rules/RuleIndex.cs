using System.Collections.Frozen;
using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>
/// Finds the first rule in order for a host and port: one look-up for the host's own rules, one for each of its
/// suffixes. The number of rules does not matter, and nothing is allocated.
/// </summary>
internal sealed class RuleIndex
{
    private readonly FrozenDictionary<string, CompiledRule[]> exact;
    private readonly FrozenDictionary<string, Wildcard[]>.AlternateLookup<ReadOnlySpan<char>> suffixes;

    /// <exception cref="MoatException">A rule's host is not a host, a wildcard or an address.</exception>
    public RuleIndex(ImmutableArray<HostRuleSpec> rules)
    {
        var exactRules = new Dictionary<string, List<CompiledRule>>(StringComparer.Ordinal);
        var suffixRules = new Dictionary<string, List<Wildcard>>(StringComparer.Ordinal);
        var ports = new HashSet<int> { 80, 443 };
        for (var i = 0; i < rules.Length; i++)
        {
            var rule = new CompiledRule(i, rules[i]);
            if (rule.Port is { } port) ports.Add(port);
            var pattern = rules[i].Host.AsSpan();
            var labels = 0;
            while (pattern.StartsWith("*."))
            {
                labels++;
                pattern = pattern[2..];
            }

            if (pattern is "*") Add(suffixRules, "", new Wildcard(labels + 1, rule));
            else if (!CanonicalHost.TryParse(pattern, out var host, out var error)) throw new MoatException($"network rule {rule.Name}: {error}", "Write a host name, *.name or an IP address.");
            else if (labels == 0) Add(exactRules, Key(host), rule);
            else if (host.IsIp) throw new MoatException($"network rule {rule.Name}: an IP address has no wildcard", "Write each address by itself.");
            else Add(suffixRules, host.Value, new Wildcard(labels, rule));
        }

        exact = exactRules.ToFrozenDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.Ordinal);
        suffixes = suffixRules.ToFrozenDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        Ports = [.. ports];
    }

    /// <summary>80, 443 and each port that a rule names.</summary>
    public ImmutableArray<int> Ports { get; }

    /// <summary>The first rule in order that covers host and port.</summary>
    public CompiledRule? Find(in CanonicalHost host, int port) => FindWildcard(host, port, FindExact(host, port));

    /// <summary>The first rule that names the host itself and covers the port.</summary>
    public CompiledRule? FindExact(in CanonicalHost host, int port)
    {
        if (!exact.TryGetValue(Key(host), out var rules)) return null;
        foreach (var rule in rules)
        {
            if (rule.CoversPort(port)) return rule;
        }

        return null;
    }

    /// <summary>True when a rule names the host itself, for whatever port.</summary>
    public bool Names(in CanonicalHost host) => exact.ContainsKey(Key(host));

    /// <summary>The first wildcard rule that covers the host and, unless it is null, the port; <paramref name="best"/> where that stands before.</summary>
    public CompiledRule? FindWildcard(in CanonicalHost host, int? port, CompiledRule? best = null)
    {
        if (host.IsIp) return Better(best, "", 1, port);
        var rest = host.Value.AsSpan();
        for (var labels = 1; ; labels++)
        {
            var dot = rest.IndexOf('.');
            if (dot < 0) return Better(best, "", labels, port);
            rest = rest[(dot + 1)..];
            best = Better(best, rest, labels, port);
        }
    }

    /// <summary>An IPv4-mapped address is the IPv4 address (RFC 4291, 2.5.5.2), so that a rule for one is a rule for both.</summary>
    private static string Key(in CanonicalHost host) =>
        host.Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4().ToString() : host.Value;

    private CompiledRule? Better(CompiledRule? best, ReadOnlySpan<char> suffix, int labels, int? port)
    {
        if (!suffixes.TryGetValue(suffix, out var rules)) return best;
        foreach (var (minLabels, rule) in rules)
        {
            if (best is not null && best.Index < rule.Index) return best;
            if (labels >= minLabels && (port is null || rule.CoversPort(port.Value))) return rule;
        }

        return best;
    }

    private static void Add<T>(Dictionary<string, List<T>> index, string key, T value)
    {
        if (!index.TryGetValue(key, out var list)) index[key] = list = [];
        list.Add(value);
    }

    /// <summary>A rule for names with at least <paramref name="MinLabels"/> labels before the suffix.</summary>
    private readonly record struct Wildcard(int MinLabels, CompiledRule Rule);
}
