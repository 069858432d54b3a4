using System.Collections.Immutable;

namespace Moat.Credentials;

/// <summary>Where a provider's definition came from; earlier wins.</summary>
public enum ProviderOrigin
{
    BuiltIn,
    User,
    Embedded,
}

/// <summary>What Moat knows of a service that takes a credential. It holds no credential.</summary>
public sealed record ProviderDefinition
{
    /// <summary>Canonical name, also the name of the vault's file.</summary>
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    public ImmutableArray<string> Aliases { get; init; } = [];

    public ProviderOrigin Origin { get; init; }

    /// <summary>Where the credential goes; empty where only the stored credential says (<see cref="StoredCredential.Bindings"/>).</summary>
    public required ImmutableArray<InjectionBinding> Bindings { get; init; }

    /// <summary>Hosts (443) that the service's clients need but that get no credential.</summary>
    public ImmutableArray<string> ExtraHosts { get; init; } = [];

    /// <summary>Paths of the bound hosts that hand out further credentials, which the sandbox would then hold: denied, unless a rule of the person's own allows them.</summary>
    public ImmutableArray<string> DeniedPaths { get; init; } = [];

    /// <summary>Headers taken off every request to a bound host before the credential goes in.</summary>
    public ImmutableArray<string> RemoveHeaders { get; init; } = [];

    public ImmutableArray<ExtraHeader> ExtraHeaders { get; init; } = [];

    /// <summary>Host variables that may hold the credential, first found first.</summary>
    public ImmutableArray<string> SourceEnv { get; init; } = [];

    /// <summary>A host program that prints the credential (<c>gh auth token</c>); empty: none.</summary>
    public ImmutableArray<string> SourceCommand { get; init; } = [];

    /// <summary>Variables of the sandbox that hold the placeholder.</summary>
    public ImmutableArray<string> ContainerEnv { get; init; } = [];

    /// <summary>Files of the sandbox's home; <c>${placeholder}</c> in their texts is the placeholder.</summary>
    public ImmutableArray<GrantFile> Files { get; init; } = [];

    /// <summary>Endpoints whose answers hold tokens that the sandbox may not hold.</summary>
    public ImmutableArray<TokenCapture> Captures { get; init; } = [];

    public ProviderValidation? Validation { get; init; }

    /// <summary>What to ask a person for.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>Shape of the placeholder.</summary>
    public required PlaceholderTemplate Placeholder { get; init; }

    /// <summary>The provider's own search for a credential, in place of variables, program and prompt; null: those.</summary>
    internal Func<GrantSources, GrantRequest, CancellationToken, Task<GrantDraft>>? Find { get; init; }

    /// <summary>In place of <see cref="Validation"/>: what to ask, each with the secret to show, which the caller disposes.</summary>
    internal Func<StoredCredential, ImmutableArray<(ProviderValidation Validation, Secret Secret)>>? Checks { get; init; }

    /// <summary>In place of <see cref="Validation"/> and <see cref="Checks"/>: asks the service in its own way.</summary>
    internal Func<StoredCredential, HttpMessageHandler?, TimeProvider, CancellationToken, Task>? Prove { get; init; }

    /// <summary>Files that depend on the credential; gets the placeholders by part.</summary>
    internal Func<StoredCredential, IReadOnlyDictionary<string, string>, ImmutableArray<GrantFile>>? WriteFiles { get; init; }

    /// <summary>Variables that depend on the credential, beside or in place of those of <see cref="ContainerEnv"/>; gets the placeholders by part.</summary>
    internal Func<StoredCredential, IReadOnlyDictionary<string, string>, ImmutableSortedDictionary<string, string>>? WriteEnv { get; init; }
}

/// <summary>
/// A request that proves a credential. <paramref name="Url"/> is https, or http on a loopback address; it may hold
/// <c>${token}</c>. <paramref name="Header"/> empty: none is sent. Any 2xx answer is a proof.
/// </summary>
public sealed record ProviderValidation(string Url, string Method, string Header, string Prefix, ImmutableArray<ExtraHeader> Headers)
{
    /// <summary>True: a service that does not know the request (404, 405) says nothing against the credential.</summary>
    public bool IsOptional { get; init; }
}
