using System.Collections.Frozen;
using Moat.Spec;

namespace Moat.Policy;

/// <summary>
/// The network policy of a run, compiled once. The first rule in order that covers host and port decides, so a person's
/// own rule, which stands before those of grants and registries, can narrow what they open. Inside the rule the first
/// request rule that matches decides; where none does, the mode: strict denies, permissive allows. Metadata endpoints
/// are denied whatever a rule says. Asking is thread-safe; an allowed request costs no allocation unless its path is
/// escaped and longer than 512 characters.
/// </summary>
public sealed class NetworkPolicy
{
    /// <summary>The name that reaches the opened ports of the host's loopback (<c>network.host</c>).</summary>
    public const string HostGatewayName = "moat-host";

    private const string AddressNeedsRule = "private and special addresses need a rule of their own";
    private const string DetourNeedsRule = "an IPv4 address inside an IPv6 one needs a rule of its own";

    private static readonly FrozenSet<string> MetadataNames = FrozenSet.Create(StringComparer.Ordinal,
        "metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal", "metadata.packet.net", "metadata.platformequinix.com",
        "metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal");

    private static readonly Decision Metadata = new(false, "metadata", "a cloud metadata endpoint is denied always", "Nothing allows it: it hands out the machine's own credentials.");

    private readonly bool permissive;
    private readonly RuleIndex index;
    private readonly FrozenSet<int> hostPorts;
    private readonly FrozenSet<string> resolved;

    private NetworkPolicy(NetworkSpec spec)
    {
        permissive = spec.Mode == NetworkMode.Permissive;
        index = new RuleIndex(spec.Rules);
        hostPorts = spec.HostPorts.ToFrozenSet();
        resolved = spec.Resolve.Keys.Select(Resolved).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <exception cref="MoatException">A rule holds what is no host, port, method or path, or could never match.</exception>
    public static NetworkPolicy Compile(NetworkSpec spec) => new(spec);

    /// <summary>May any request go to this host and port? Asked for CONNECT and for a TLS handshake.</summary>
    public Decision DecideHost(in CanonicalHost host, int port)
    {
        if (Preset(host, port) is { } preset) return preset;
        if (index.Find(host, port) is not { } rule) return Default(host, port);
        return rule.AllowsSomething(permissive) ? Allowed(rule.Name) : new Decision(false, rule.Name, "the rule denies every request", Mend.ForHost(host, port));
    }

    /// <summary>May this request go out?</summary>
    /// <param name="host">The identity of the request.</param>
    /// <param name="port">Its port.</param>
    /// <param name="method">The method as it came.</param>
    /// <param name="rawPath">The target as it came, in origin form, its query included.</param>
    public Decision DecideRequest(in CanonicalHost host, int port, string method, string rawPath)
    {
        if (Preset(host, port) is { } preset) return preset;
        if (index.Find(host, port) is not { } rule) return Default(host, port);
        if (!rule.HasRequests) return Allowed(rule.Name);

        Span<char> buffer = rawPath.Length <= 512 ? stackalloc char[512] : new char[rawPath.Length];
        if (!RequestPath.TryCanonicalize(rawPath, buffer, out var path, out var reason))
            return new Decision(false, rule.Name, reason + ", and this host has request rules", "Send the path in its plain form, which every server reads in one way.");
        if (rule.Match(method, path) is { } request)
            return request.Allow ? Allowed(request.Name) : new Decision(false, request.Name, "the rule denies this request", Mend.ForRequest(rule, request, method, path));
        return permissive ? Allowed(rule.Name) : new Decision(false, rule.Name, "no request rule of this host allows it", Mend.ForRequest(rule, null, method, path));
    }

    /// <summary>May the name be answered inside the sandbox? True where a request to 80, 443 or a port that a rule names may pass.</summary>
    public bool MayResolve(in CanonicalHost host)
    {
        if (host.Value == HostGatewayName) return hostPorts.Count > 0;
        foreach (var port in index.Ports)
        {
            if (Preset(host, port) is not null) continue;
            var rule = index.Find(host, port);
            if (rule is not null ? rule.AllowsSomething(permissive) : permissive && port is 80 or 443) return true;
        }

        return false;
    }

    /// <summary>
    /// May the host lead to a private or loopback address? Only where the person named that very address: a rule for
    /// the IP literal, or <c>network.resolve</c> for the name. A name's own rule is not enough, since whoever holds the
    /// name chooses its address.
    /// </summary>
    public bool AllowsPrivateAddress(in CanonicalHost host, int port) =>
        host.Value == HostGatewayName ? hostPorts.Contains(port) : resolved.Contains(host.Value) || (host.IsIp && index.FindExact(host, port) is not null);

    /// <summary>True when methods or paths decide for this host, so that a method override header would change the meaning.</summary>
    public bool HasRequestRules(in CanonicalHost host, int port) => index.Find(host, port) is { HasRequests: true };

    /// <summary>True when a rule names the host itself, for whatever port: somebody meant this host, not a pattern or a default.</summary>
    public bool Names(in CanonicalHost host) => host.Value == HostGatewayName || index.Names(host);

    /// <summary>The name of the wildcard rule that covers the host, for <see cref="DnsBudget"/>; null where a rule names the host itself, or none covers it.</summary>
    public string? WildcardFor(in CanonicalHost host) => index.Names(host) ? null : index.FindWildcard(host, null)?.Name;

    /// <summary>What no rule decides: metadata, the host's ports, addresses that only a rule of their own may open.</summary>
    private Decision? Preset(in CanonicalHost host, int port)
    {
        if (host.IsIp) return PresetAddress(host, port);
        if (MetadataNames.Contains(host.Value)) return Metadata;
        if (host.Value != HostGatewayName) return null;
        return hostPorts.Contains(port) ? Allowed("network.host") : new Decision(false, "network.host", "this port of the host is not opened", Mend.ForHostPort(port));
    }

    private Decision? PresetAddress(in CanonicalHost host, int port)
    {
        var kind = AddressGuard.Classify(host.Address!);
        if (kind == AddressClass.Metadata) return Metadata;
        if (AddressGuard.IsForbidden(kind, namedByRule: true)) return new Decision(false, "address", "this address is not for a single host of the network", "Nothing allows it.");
        if (AddressGuard.IsForbidden(kind, AllowsPrivateAddress(host, port))) return new Decision(false, "address", AddressNeedsRule, Mend.ForHost(host, port));
        // A rule that denies 192.0.2.1 would not see 64:ff9b::192.0.2.1, so no wildcard and no mode opens that.
        return AddressGuard.IsDetour(host.Address!) && index.FindExact(host, port) is null ? new Decision(false, "address", DetourNeedsRule, Mend.ForHost(host, port)) : null;
    }

    private Decision Default(in CanonicalHost host, int port) =>
        permissive ? Allowed("default (permissive)") : new Decision(false, "default", "no rule allows this host and port (strict)", Mend.ForHost(host, port));

    private static Decision Allowed(string rule) => new(true, rule, "", "");

    private static string Resolved(string name) => CanonicalHost.TryParse(name, out var host, out var error)
        ? host.Value
        : throw new MoatException($"network.resolve '{Printable.Text(name)}': {error}", "Write a host name.");
}
