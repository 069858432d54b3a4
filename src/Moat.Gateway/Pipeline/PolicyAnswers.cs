using Moat.Gateway.Dns;
using Moat.Gateway.Upstream;
using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>The policy in the words of those who ask it about names and addresses instead of requests.</summary>
internal static class PolicyAnswers
{
    public static DnsRules DnsRules(NetworkPolicy policy, DnsBudget budget, Recorder recorder) => new()
    {
        Decide = name => Decide(policy, budget, name),
        Record = recorder.DnsQuery,
    };

    /// <summary>Why an address that a host led to may not be dialled; null when it may.</summary>
    public static AddressCheck AddressCheck(NetworkPolicy policy) => (name, port, address) =>
    {
        if (!CanonicalHost.TryParse(name, out var host, out var error))
            return error;
        var kind = AddressGuard.Classify(address);
        return AddressGuard.IsForbidden(kind, policy.AllowsPrivateAddress(host, port))
            ? $"{name} leads to {address} ({kind}), which a sandbox may not reach"
            : null;
    };

    private static DnsVerdict Decide(NetworkPolicy policy, DnsBudget budget, string name)
    {
        if (!CanonicalHost.TryParse(name, out var host, out var error))
            return new DnsVerdict(false, "default", error, "");
        if (!policy.MayResolve(host))
            return new DnsVerdict(false, "default", "no rule permits a request to this name", $"moat run --allow-host {host.Value}");
        var wildcard = policy.WildcardFor(host);
        if (wildcard is not null && !budget.TryResolve(host, wildcard, out var reason))
            return new DnsVerdict(false, wildcard, reason, $"moat run --allow-host {host.Value}");
        return new DnsVerdict(true, wildcard ?? "a network rule names it", "", "");
    }
}
