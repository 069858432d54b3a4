using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Moat.Credentials;

/// <summary>What the vault holds for one grant. Dispose it: the token is zeroed.</summary>
public sealed record StoredCredential : IDisposable
{
    /// <summary>The grant's name; equal to the file's.</summary>
    public required string Provider { get; init; }

    [JsonConverter(typeof(SecretConverter))]
    public required Secret Token { get; init; }

    public ImmutableArray<string> Scopes { get; init; } = [];

    /// <summary>Null: no expiry is known.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Facts that are no secret; <c>source</c> says where the token came from.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public override string ToString() => $"credential of {Provider}";

    public void Dispose() => Token.Dispose();
}

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

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(StoredCredential))]
internal sealed partial class StoredCredentialContext : JsonSerializerContext;
