using System.Collections.Immutable;

namespace Moat.Credentials;

/// <summary>What a provider's own search brought, before it is checked and stored. Dispose it: its secrets are zeroed.</summary>
internal sealed record GrantDraft(Secret Token, string Source) : IDisposable
{
    public ImmutableSortedDictionary<string, Secret> Parts { get; init; } = ImmutableSortedDictionary<string, Secret>.Empty;

    /// <summary>Empty: the provider's own.</summary>
    public ImmutableArray<InjectionBinding> Bindings { get; init; } = [];

    public ImmutableArray<TokenCapture> Captures { get; init; } = [];

    public ImmutableArray<ServerTrust> Trust { get; init; } = [];

    public DateTimeOffset? ExpiresAt { get; init; }

    public RefreshInfo? Refresh { get; init; }

    /// <summary>Facts that are no secret.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public void Dispose()
    {
        Token.Dispose();
        foreach (var part in Parts.Values) part.Dispose();
    }
}

/// <summary>A file of the sandbox's home that holds placeholders. <paramref name="Path"/> is relative to it.</summary>
public sealed record GrantFile(string Path, string Text);
