using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Moat.Credentials;

/// <summary>What the vault holds for one grant. Dispose it: the token is zeroed.</summary>
public sealed record StoredCredential : IDisposable
{
    /// <summary>The grant's name; equal to the file's.</summary>
    public required string Provider { get; init; }

    public required Secret Token { get; init; }

    /// <summary>Further secrets by name, for a service that takes more than one.</summary>
    public ImmutableSortedDictionary<string, Secret> Parts { get; init; } = ImmutableSortedDictionary<string, Secret>.Empty;

    /// <summary>Where the credential goes, when that is known only here (registries, servers); empty: where its provider says.</summary>
    public ImmutableArray<InjectionBinding> Bindings { get; init; } = [];

    /// <summary>Endpoints whose answers hold tokens, when they are known only here; empty: as its provider says.</summary>
    public ImmutableArray<TokenCapture> Captures { get; init; } = [];

    /// <summary>Hosts whose certificate only the authorities given here may have signed.</summary>
    public ImmutableArray<ServerTrust> Trust { get; init; } = [];

    /// <summary>How it is renewed; null: it is not.</summary>
    public RefreshInfo? Refresh { get; init; }

    /// <summary>Why its service does not take it any more; null as far as is known it does. Every run denies what needs it.</summary>
    public string? Revoked { get; init; }

    /// <summary>What the person narrowed the grant to, as written; empty: to nothing.</summary>
    public ImmutableArray<string> Allow { get; init; } = [];

    public ImmutableArray<string> Scopes { get; init; } = [];

    /// <summary>Null: no expiry is known.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Facts that are no secret; <c>source</c> says where the token came from.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public override string ToString() => $"credential of {Provider}";

    /// <summary>The token and the parts.</summary>
    internal IEnumerable<Secret> Secrets => Parts.Values.Prepend(Token);

    internal Secret SecretOf(string part) => part.Length == 0 ? Token : Parts[part];

    public void Dispose()
    {
        Token.Dispose();
        foreach (var part in Parts.Values) part.Dispose();
    }
}

/// <summary>A host whose certificates come from authorities of its own.</summary>
/// <param name="Host">Canonical host.</param>
/// <param name="Pem">Its authorities; the machine's own count for nothing there.</param>
public sealed record ServerTrust(string Host, string Pem);

/// <summary>Moves the token between JSON and pinned bytes without a managed string in between.</summary>
internal sealed class SecretConverter : JsonConverter<Secret>
{
    public override Secret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String) throw new JsonException("the token is not a text");
        var buffer = GC.AllocateUninitializedArray<byte>(reader.ValueSpan.Length, pinned: true);
        return Secret.Take(buffer.AsSpan(0, reader.CopyString(buffer)));
    }

    public override void Write(Utf8JsonWriter writer, Secret value, JsonSerializerOptions options) => writer.WriteStringValue(value.Reveal());
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true, IgnoreReadOnlyProperties = true, Converters = [typeof(SecretConverter)])]
[JsonSerializable(typeof(StoredCredential))]
internal sealed partial class StoredCredentialContext : JsonSerializerContext;
