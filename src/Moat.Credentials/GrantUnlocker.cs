using System.Collections.Immutable;
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
    /// <exception cref="MoatException">A grant is unknown, not stored, expired or unreadable.</exception>
    public static IReadOnlyList<UnlockedGrant> Unlock(RunSpec spec, Vault vault, ProviderCatalog catalog, ReadOnlySpan<byte> runKey, TimeProvider? time = null)
    {
        if (vault.Profile != spec.Profile) throw new ArgumentException("the vault is of another profile than the run", nameof(vault));
        var grants = new List<UnlockedGrant>(spec.Grants.Length);
        try
        {
            foreach (var asked in spec.Grants.GroupBy(grant => catalog.Get(grant.Name).Name, StringComparer.Ordinal))
            {
                var provider = catalog.Get(asked.Key);
                var credential = vault.Read(provider.Name, out var version) ?? throw NotStored(provider.Name, spec.Profile);
                if (credential.Revoked is { } reason)
                {
                    credential.Dispose();
                    throw new MoatException($"the grant {provider.Name} is no good any more: {reason}", $"grant it again: moat grant {provider.Name}");
                }
                if (credential.ExpiresAt <= (time ?? TimeProvider.System).GetUtcNow())
                {
                    credential.Dispose();
                    throw new MoatException($"the grant {provider.Name} expired at {credential.ExpiresAt:u}", $"grant it again: moat grant {provider.Name}");
                }
                grants.Add(Unlock(provider, credential, version, runKey, asked.Select(grant => grant.Allow)));
            }
        }
        catch
        {
            foreach (var grant in grants) grant.Dispose();
            throw;
        }
        return grants;
    }

    private static UnlockedGrant Unlock(ProviderDefinition provider, StoredCredential credential, VaultVersion version, ReadOnlySpan<byte> runKey, IEnumerable<ImmutableArray<string>> asked)
    {
        try
        {
            var placeholders = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
            placeholders.Add("", provider.Placeholder.Derive(runKey, provider.Name));
            // A slash is in no grant's name, so a part never shares a placeholder with a grant.
            foreach (var part in credential.Parts.Keys) placeholders.Add(part, provider.Placeholder.Derive(runKey, $"{provider.Name}/{part}"));
            var scopes = asked.Prepend(credential.Allow).Select(entries => GrantScope.Parse(provider, entries)).OfType<GrantScope>();
            return new UnlockedGrant(provider, credential, version, placeholders.ToImmutable(), [.. scopes]);
        }
        catch
        {
            credential.Dispose();
            throw;
        }
    }

    internal static MoatException NotStored(string name, string profile)
        => profile.Length == 0
            ? new MoatException($"the grant {name} is not stored", $"run: moat grant {name}")
            : new MoatException($"the grant {name} is not stored in the profile {profile}", $"run: moat grant {name} --profile {profile}");
}
