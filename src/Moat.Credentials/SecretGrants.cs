using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The secrets of a run that are bound to hosts, as grants of that run alone: they are in no vault, and end with it.</summary>
public static class SecretGrants
{
    /// <summary>Opens the hosts that the secrets are for, each on its port.</summary>
    public static IEnumerable<HostRuleSpec> Rules(IEnumerable<SecretSpec> secrets)
        => secrets.SelectMany(secret => secret.Hosts.Select(Host).Select(host => new HostRuleSpec(host.Host, host.Port ?? 443, [], $"secret {secret.Name}")));

    /// <summary>A grant for a secret. Its placeholder is replaced in any header of a credential's shape of requests to its hosts.</summary>
    /// <param name="secret">Bound to hosts.</param>
    /// <param name="value">Taken over.</param>
    /// <param name="runKey">As for <see cref="GrantUnlocker"/>.</param>
    /// <exception cref="MoatException">The value cannot stand in a header.</exception>
    public static UnlockedGrant Unlock(SecretSpec secret, Secret value, ReadOnlySpan<byte> runKey)
    {
        ArgumentNullException.ThrowIfNull(secret);
        ArgumentNullException.ThrowIfNull(value);
        if (value.Length is < 8 or > 16 * 1024 || value.Reveal().ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            value.Dispose();
            throw new MoatException($"the secret {secret.Name} is shorter than 8 characters, longer than 16 KiB, or holds a space, a line break or a character beyond ASCII", $"correct it, or hand it to the agent as it is: expose: true");
        }
        var name = $"secret {secret.Name}";
        var provider = new ProviderDefinition
        {
            Name = name,
            Bindings = [.. secret.Hosts.Select(Host).Select(host => new InjectionBinding(host.Host, "", InjectionSlot.AnyHeader, "", host.Port))],
            ContainerEnv = [secret.Name],
            Placeholder = PlaceholderTemplate.Default,
        };
        var credential = new StoredCredential { Provider = name, Token = value, CreatedAt = DateTimeOffset.UtcNow };
        return new UnlockedGrant(provider, credential, default, ImmutableSortedDictionary<string, string>.Empty.Add("", provider.Placeholder.Derive(runKey, name)), []);
    }

    private static HostPattern Host(string text) => HostPattern.TryParse(text, out var host, out var problem) ? host : throw new MoatException(problem, "correct the hosts of the secret");
}
