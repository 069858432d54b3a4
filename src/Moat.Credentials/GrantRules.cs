using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The hosts that a run's grants open.</summary>
public static class GrantRules
{
    /// <summary>One rule a host, for its TLS port alone, with the origin <c>grant NAME</c>.</summary>
    /// <exception cref="MoatException">A grant has no provider.</exception>
    public static IReadOnlyList<HostRuleSpec> For(IEnumerable<GrantSpec> grants, ProviderCatalog catalog)
    {
        var rules = new List<HostRuleSpec>();
        var seen = new HashSet<(string, int)>();
        foreach (var provider in grants.Select(grant => catalog.Get(grant.Name)).DistinctBy(provider => provider.Name, StringComparer.Ordinal))
        {
            foreach (var (host, port) in provider.Bindings.Select(binding => (binding.Host, binding.Port ?? 443)).Concat(provider.ExtraHosts.Select(host => (host, 443))))
                if (seen.Add((host, port))) rules.Add(new HostRuleSpec(host, port, [], $"grant {provider.Name}"));
        }
        return rules;
    }
}
