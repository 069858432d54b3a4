using System.Collections.Frozen;
using System.Globalization;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>
/// The network policy of a run, compiled once. The first rule in order that covers host and port decides; inside it the
/// first request rule that matches; where none does, the mode: strict denies, permissive allows. Metadata names are
/// denied whatever a rule says. Asking is thread-safe, and allocates nothing for a host without request rules.
/// </summary>
public sealed class NetworkPolicy
{
    /// <summary>The name that reaches the opened ports of the host's loopback (<c>network.host</c>).</summary>
    public const string HostGatewayName = "moat-host";

    private static readonly FrozenSet<string> MetadataNames = FrozenSet.Create(StringComparer.Ordinal,
        "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal", "metadata.azure.internal", "metadata.platformequinix.com", "metadata.packet.net");

    private readonly bool permissive;
    private readonly FrozenDictionary<string, CompiledRule[]> exact;
    private readonly FrozenDictionary<string, (int MinLabels, CompiledRule Rule)[]>.AlternateLookup<ReadOnlySpan<char>> suffixes;
    private readonly FrozenSet<int> hostPorts;
    private readonly FrozenSet<string> resolved;

    private NetworkPolicy(NetworkSpec spec)
    {
        permissive = spec.Mode == NetworkMode.Permissive;
        hostPorts = spec.HostPorts.ToFrozenSet();
        resolved = spec.Resolve.Keys.ToFrozenSet(StringComparer.Ordinal);
        var exactRules = new Dictionary<string, List<CompiledRule>>(StringComparer.Ordinal);
        var suffixRules = new Dictionary<string, List<(int, CompiledRule)>>(StringComparer.Ordinal);
        for (var i = 0; i < spec.Rules.Length; i++)
        {
            var rule = new CompiledRule(i, spec.Rules[i]);
            var pattern = spec.Rules[i].Host;
            var labels = 0;
            while (pattern.StartsWith("*.", StringComparison.Ordinal))
            {
                labels++;
                pattern = pattern[2..];
            }

            if (pattern == "*") Add(suffixRules, "", (labels + 1, rule));
            else if (!CanonicalHost.TryParse(pattern, out var host, out var error)) throw new MoatException($"network rule '{Printable.Text(spec.Rules[i].Host)}' ({spec.Rules[i].Origin}): {error}", "Write a host name, *.name or an IP address.");
            else if (labels == 0) Add(exactRules, host.Value, rule);
            else if (host.IsIp) throw new MoatException($"network rule '{spec.Rules[i].Host}' ({spec.Rules[i].Origin}): an IP address has no wildcard", "Write each address by itself.");
            else Add(suffixRules, host.Value, (labels, rule));
        }

        exact = exactRules.ToFrozenDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.Ordinal);
        suffixes = suffixRules.ToFrozenDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <exception cref="MoatException">A rule's host is not a host, a wildcard or an address.</exception>
    public static NetworkPolicy Compile(NetworkSpec spec) => new(spec);

    /// <summary>May any request go to this host and port? Asked for CONNECT and for a TLS handshake.</summary>
    public Decision DecideHost(in CanonicalHost host, int port)
    {
        if (Preset(host, port) is { } preset) return preset;
        if (Find(host, port) is not { } rule) return Default(host, port);
        return rule.AllowsSomething(permissive) ? new Decision(true, rule.Name, "", "") : Denied(rule.Name, "the rule denies every request", host, port);
    }

    /// <param name="host">The identity of the request.</param>
    /// <param name="port">Its port.</param>
    /// <param name="method">The method as it came.</param>
    /// <param name="rawPath">The target as it came, its query included.</param>
    public Decision DecideRequest(in CanonicalHost host, int port, string method, string rawPath)
    {
        if (Preset(host, port) is { } preset) return preset;
        if (Find(host, port) is not { } rule) return Default(host, port);
        if (!rule.HasRequests) return new Decision(true, rule.Name, "", "");
        if (!RequestPath.TryCanonicalize(rawPath, out var path, out var reason)) return Denied(rule.Name, reason + ", and this host has request rules", host, port);
        if (rule.Match(method, path) is { } hit) return hit.Allow ? new Decision(true, hit.Text, "", "") : Denied(hit.Text, "the rule denies this request", host, port);
        return permissive ? new Decision(true, rule.Name, "", "") : Denied(rule.Name, "no request rule of this host allows it", host, port);
    }

    /// <summary>May the name be answered inside the sandbox? True where some port of it may be reached.</summary>
    public bool MayResolve(in CanonicalHost host)
    {
        if (host.Value == HostGatewayName) return hostPorts.Count > 0;
        if (IsMetadata(host)) return false;
        if (Find(host, null) is not { } rule) return permissive;
        return rule.AllowsSomething(permissive);
    }

    /// <summary>
    /// May the host lead to a private or loopback address? Only where the person named that very address: a rule for
    /// the IP literal, or <c>network.resolve</c> for the name. A name's own rule is not enough, since whoever holds the
    /// name chooses its address.
    /// </summary>
    public bool AllowsPrivateAddress(in CanonicalHost host, int port) =>
        host.Value == HostGatewayName ? hostPorts.Contains(port)
        : resolved.Contains(host.Value) || (host.IsIp && exact.TryGetValue(host.Value, out var rules) && rules.Any(r => r.CoversPort(port)));

    /// <summary>True when methods or paths decide for this host, so that a method override header would change the meaning.</summary>
    public bool HasRequestRules(in CanonicalHost host, int port) => Find(host, port) is { HasRequests: true };

    /// <summary>The wildcard rule that covers the host, by name; null where a rule names it, or none does.</summary>
    public string? WildcardFor(in CanonicalHost host)
    {
        var rule = Find(host, null);
        return rule is not null && rule.Name.StartsWith('*') ? rule.Name : null;
    }

    private Decision? Preset(in CanonicalHost host, int port)
    {
        if (IsMetadata(host)) return new Decision(false, "metadata", "a cloud metadata endpoint is denied always", "Nothing allows it: it hands out the machine's own credentials.");
        if (host.Value != HostGatewayName) return null;
        return hostPorts.Contains(port)
            ? new Decision(true, "network.host", "", "")
            : new Decision(false, "network.host", "this port of the host is not opened", $"Add it in moat.yaml under network: host: [{port.ToString(CultureInfo.InvariantCulture)}]");
    }

    private static bool IsMetadata(in CanonicalHost host) =>
        host.IsIp ? AddressGuard.Classify(host.Address!) == AddressClass.Metadata : MetadataNames.Contains(host.Value);

    private CompiledRule? Find(in CanonicalHost host, int? port)
    {
        CompiledRule? best = null;
        if (exact.TryGetValue(host.Value, out var rules))
        {
            foreach (var rule in rules)
            {
                if (port is null || rule.CoversPort(port.Value))
                {
                    best = rule;
                    break;
                }
            }
        }

        if (host.IsIp) return Better(best, "", 1, port);
        var rest = host.Value.AsSpan();
        var labels = 0;
        while (true)
        {
            var dot = rest.IndexOf('.');
            labels++;
            if (dot < 0) return Better(best, "", labels, port);
            rest = rest[(dot + 1)..];
            best = Better(best, rest, labels, port);
        }
    }

    private CompiledRule? Better(CompiledRule? best, ReadOnlySpan<char> suffix, int labels, int? port)
    {
        if (!suffixes.TryGetValue(suffix, out var rules)) return best;
        foreach (var (minLabels, rule) in rules)
        {
            if (labels >= minLabels && (port is null || rule.CoversPort(port.Value)) && (best is null || rule.Index < best.Index)) return rule;
        }

        return best;
    }

    private Decision Default(in CanonicalHost host, int port)
    {
        if (!permissive) return Denied("default", "no rule allows this host and port (strict)", host, port);
        if (host.IsIp && AddressGuard.Classify(host.Address!) != AddressClass.Public) return Denied("default", "private and special addresses need a rule of their own", host, port);
        return new Decision(true, "default (permissive)", "", "");
    }

    private static Decision Denied(string rule, string reason, in CanonicalHost host, int port)
    {
        var shown = port is 80 or 443 ? host.Value : (host.Value.Contains(':') ? $"[{host.Value}]" : host.Value) + ":" + port.ToString(CultureInfo.InvariantCulture);
        return new Decision(false, rule, reason, $"Run again with --allow-host {shown}, or add {shown} to network.rules in moat.yaml.");
    }

    private static void Add<T>(Dictionary<string, List<T>> index, string key, T value)
    {
        if (!index.TryGetValue(key, out var list)) index[key] = list = [];
        list.Add(value);
    }
}
