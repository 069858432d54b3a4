using Moat.Gateway.Dns;
using Moat.Gateway.Upstream;
using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>The policy in the words of those who ask it about names and addresses instead of requests.</summary>
internal static class PolicyAnswers
{
    public static DnsRules DnsRules(NetworkPolicy policy, Recorder recorder) => new()
    {
        Decide = name =>
        {
            if (!CanonicalHost.TryParse(name, out var host, out var error))
                return new DnsVerdict(false, "default", error, "");
            return policy.MayResolve(host)
                ? new DnsVerdict(true, "a network rule names it", "", "")
                : new DnsVerdict(false, "default", "no rule permits a request to this name", $"moat run --allow-host {host.Value}");
        },
        Record = recorder.DnsQuery,
    };

    public static AddressCheck AddressCheck(NetworkPolicy policy) => (name, port, address) =>
    {
        if (!CanonicalHost.TryParse(name, out var host, out var error))
            return error;
        return AddressGuard.IsForbidden(AddressGuard.Classify(address), policy.AllowsPrivateAddress(host, port)) ? $"{name} leads to {address}, which a sandbox may not reach" : null;
    };
}
