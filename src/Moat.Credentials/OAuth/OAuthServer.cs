using System.Text.Json;

namespace Moat.Credentials;

/// <summary>What is known of an authorization server: by flags, by the person's file, or by what it says of itself (RFC 8414).</summary>
internal sealed record OAuthServer
{
    /// <summary>Null where nobody named it; then an <c>iss</c> of an answer has nothing to be compared with.</summary>
    internal string? Issuer { get; init; }

    internal Uri? Authorization { get; init; }

    internal Uri? Token { get; init; }

    internal Uri? Device { get; init; }

    internal Uri? Registration { get; init; }

    /// <summary>True: it says that every answer names its issuer (RFC 9207 §3), so one that does not is somebody else's.</summary>
    internal bool NamesIssuer { get; init; }

    /// <summary>True: it takes a client's secret as HTTP Basic and not in the form.</summary>
    internal bool WantsBasic { get; init; }

    internal static string? Text(JsonElement metadata, string name)
        => metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    internal static bool Lists(JsonElement metadata, string name, string text)
        => metadata.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array && list.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals(text));
}
