using System.Collections.Immutable;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The hosts that a run's grants open.</summary>
public static class GrantRules
{
    /// <summary>One rule a host, for its TLS port alone (SSH: 22), with the origin <c>grant NAME</c>.</summary>
    /// <param name="grants">The grants of the run.</param>
    /// <param name="catalog">The providers.</param>
    /// <param name="vault">Asked for grants whose hosts only the stored credential knows.</param>
    /// <exception cref="MoatException">A grant has no provider, or its hosts are not known because it is not stored.</exception>
    public static IReadOnlyList<HostRuleSpec> For(IEnumerable<GrantSpec> grants, ProviderCatalog catalog, Vault vault)
    {
        var providers = grants.Select(grant => catalog.Get(grant.Name)).DistinctBy(provider => provider.Name, StringComparer.Ordinal).ToArray();
        var hosts = providers.SelectMany(provider => Bindings(provider, vault).Select(binding => (provider, binding.Host, Port: binding.Port ?? 443, IsBound: true))
            .Concat(Captured(provider, vault))
            .Concat(provider.ExtraHosts.Select(host => (provider, Host: host, Port: 443, IsBound: false)))
            .Concat(SshGrant.HostOf(provider.Name) is { } host ? [(provider, Host: host, SshGrant.Port, IsBound: false)] : []));
        // One rule a host, since only the first would be asked: what any of its grants denies is denied.
        var rules = hosts.GroupBy(place => (place.Host, place.Port)).Select(places => new HostRuleSpec(
            places.Key.Host, places.Key.Port, Requests(places.Where(place => place.IsBound).SelectMany(place => place.provider.DeniedPaths)), $"grant {places.First().provider.Name}"));
        return [.. rules, .. providers.Where(provider => DatabaseGrant.Split(provider.Name) is not null).Select(provider => Rule(Target(provider, vault), provider.Name))];
    }

    // A session of the database's own protocol is asked for as CONNECT /; HTTP has no business there.
    private static HostRuleSpec Rule(DatabaseTarget target, string name)
        => new(target.Host, target.Port, [new RequestRuleSpec(true, "CONNECT", "/"), new RequestRuleSpec(false, "*", "/**")], $"grant {name}");

    private static DatabaseTarget Target(ProviderDefinition provider, Vault vault)
    {
        using var credential = vault.Get(provider.Name) ?? throw GrantUnlocker.NotStored(provider.Name, vault.Profile);
        return DatabaseTarget.Of(credential)!;
    }

    private static ImmutableArray<RequestRuleSpec> Requests(IEnumerable<string> denied)
    {
        var rules = denied.Distinct(StringComparer.Ordinal).Select(path => new RequestRuleSpec(false, "*", path)).ToImmutableArray();
        return rules.IsEmpty ? [] : rules.Add(new RequestRuleSpec(true, "*", "/**"));
    }

    /// <summary>The endpoints that give tokens, and the hosts that take those.</summary>
    private static IEnumerable<(ProviderDefinition provider, string Host, int Port, bool IsBound)> Captured(ProviderDefinition provider, Vault vault)
    {
        var captures = provider.Captures;
        if (provider.Bindings.IsEmpty)
        {
            using var credential = vault.Get(provider.Name) ?? throw GrantUnlocker.NotStored(provider.Name, vault.Profile);
            captures = credential.Captures;
        }
        return captures.SelectMany(capture => capture.BindingsOf(CapturedKind.Access).Select(binding => (binding.Host, Port: binding.Port ?? 443)).Prepend((capture.Host, Port: capture.Port ?? 443)))
            .Select(place => (provider, place.Host, place.Port, true));
    }

    private static ImmutableArray<InjectionBinding> Bindings(ProviderDefinition provider, Vault vault)
    {
        if (!provider.Bindings.IsEmpty || SshGrant.HostOf(provider.Name) is not null || DatabaseGrant.Split(provider.Name) is not null) return provider.Bindings;
        using var credential = vault.Get(provider.Name) ?? throw GrantUnlocker.NotStored(provider.Name, vault.Profile);
        return credential.Bindings;
    }
}
