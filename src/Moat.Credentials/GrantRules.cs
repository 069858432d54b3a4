using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The hosts that a run's grants open.</summary>
public static class GrantRules
{
    /// <summary>One rule a host, for its TLS port alone, with the origin <c>grant NAME</c>.</summary>
    /// <param name="grants">The grants of the run.</param>
    /// <param name="catalog">The providers.</param>
    /// <param name="vault">Asked for grants whose hosts only the stored credential knows.</param>
    /// <exception cref="MoatException">A grant has no provider, or its hosts are not known because it is not stored.</exception>
    public static IReadOnlyList<HostRuleSpec> For(IEnumerable<GrantSpec> grants, ProviderCatalog catalog, Vault vault)
    {
        var rules = new List<HostRuleSpec>();
        var seen = new HashSet<(string, int)>();
        foreach (var provider in grants.Select(grant => catalog.Get(grant.Name)).DistinctBy(provider => provider.Name, StringComparer.Ordinal))
        {
            foreach (var (host, port) in Bindings(provider, vault).Select(binding => (binding.Host, binding.Port ?? 443)).Concat(provider.ExtraHosts.Select(host => (host, 443))))
                if (seen.Add((host, port))) rules.Add(new HostRuleSpec(host, port, [], $"grant {provider.Name}"));
        }
        return rules;
    }

    private static ImmutableArray<InjectionBinding> Bindings(ProviderDefinition provider, Vault vault)
    {
        if (!provider.Bindings.IsEmpty) return provider.Bindings;
        using var credential = vault.Get(provider.Name) ?? throw GrantUnlocker.NotStored(provider.Name, vault.Profile);
        return credential.Bindings;
    }
}
