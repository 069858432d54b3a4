using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Opens the grants of a run, and only those.</summary>
public static class GrantUnlocker
{
    /// <summary>Reads each grant of the run from the vault and derives its placeholder.</summary>
    /// <param name="spec">The run.</param>
    /// <param name="vault">The vault of the run's profile.</param>
    /// <param name="catalog">The providers.</param>
    /// <param name="runKey">At least 16 random bytes of this run alone; they never enter the sandbox.</param>
    /// <param name="time">Null: the system's clock.</param>
    /// <exception cref="MoatException">A grant is unknown, not stored, expired or unreadable, or two grants would write the same header of one host.</exception>
    public static IReadOnlyList<UnlockedGrant> Unlock(RunSpec spec, Vault vault, ProviderCatalog catalog, ReadOnlySpan<byte> runKey, TimeProvider? time = null)
    {
        if (vault.Profile != spec.Profile) throw new ArgumentException("the vault is of another profile than the run", nameof(vault));
        var providers = spec.Grants.Select(grant => catalog.Get(grant.Name)).DistinctBy(provider => provider.Name, StringComparer.Ordinal).ToArray();
        CheckOverlaps(providers);
        var grants = new List<UnlockedGrant>(providers.Length);
        try
        {
            foreach (var provider in providers)
            {
                var credential = vault.Read(provider.Name, out var version) ?? throw NotStored(provider.Name, spec.Profile);
                if (credential.ExpiresAt <= (time ?? TimeProvider.System).GetUtcNow())
                {
                    credential.Dispose();
                    throw new MoatException($"the grant {provider.Name} expired at {credential.ExpiresAt:u}", $"grant it again: moat grant {provider.Name}");
                }
                grants.Add(new UnlockedGrant(provider, credential, version, provider.Placeholder.Derive(runKey, provider.Name)));
            }
        }
        catch
        {
            foreach (var grant in grants) grant.Dispose();
            throw;
        }
        return grants;
    }

    // Which of two credentials a request gets must not depend on the order of a list.
    private static void CheckOverlaps(ProviderDefinition[] providers)
    {
        for (var i = 0; i < providers.Length; i++)
            for (var j = i + 1; j < providers.Length; j++)
                foreach (var one in providers[i].Bindings)
                    foreach (var other in providers[j].Bindings)
                        if (Overlap(one, other))
                            throw new MoatException($"the grants {providers[i].Name} and {providers[j].Name} both write {(one.Header.Length > 0 ? one.Header : "the path")} of requests to {one.Host}", "use one of the two in a run");
    }

    private static bool Overlap(InjectionBinding one, InjectionBinding other)
        => (one.Port ?? 443) == (other.Port ?? 443) && string.Equals(one.Header, other.Header, StringComparison.OrdinalIgnoreCase)
            && (one.Host == other.Host || Covers(one.Host, other.Host) || Covers(other.Host, one.Host));

    private static bool Covers(string pattern, string host)
        => pattern.StartsWith("*.", StringComparison.Ordinal) && HostPattern.Matches(pattern, host.StartsWith("*.", StringComparison.Ordinal) ? "x" + host[1..] : host);

    private static MoatException NotStored(string name, string profile)
        => profile.Length == 0
            ? new MoatException($"the grant {name} is not stored", $"run: moat grant {name}")
            : new MoatException($"the grant {name} is not stored in the profile {profile}", $"run: moat grant {name} --profile {profile}");
}
