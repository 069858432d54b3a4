using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials;

/// <summary>A token that an answer brought during a run, as a grant of that run alone: it is in no vault, and ends with the run or with the grant that it came by.</summary>
public static class CapturedToken
{
    private const int MinLength = 16, MaxLength = 16 * 1024, SignatureLength = 43;

    /// <summary>True for what can be a token: 16 to 16384 visible ASCII characters.</summary>
    public static bool IsToken(ReadOnlySpan<byte> value) => value.Length is >= MinLength and <= MaxLength && !value.ContainsAnyExceptInRange((byte)'!', (byte)'~');

    /// <summary>A grant for the token. It is narrowed as its parent is, and revoked when that is.</summary>
    /// <param name="parent">The grant that it came by; it outlives the result.</param>
    /// <param name="capture">Of the parent.</param>
    /// <param name="kind">What the token is.</param>
    /// <param name="token">Taken over; a token by <see cref="IsToken"/>.</param>
    public static UnlockedGrant Unlock(UnlockedGrant parent, TokenCapture capture, CapturedKind kind, Secret token)
    {
        ArgumentNullException.ThrowIfNull(parent);
        ArgumentNullException.ThrowIfNull(capture);
        ArgumentNullException.ThrowIfNull(token);
        var provider = new ProviderDefinition { Name = parent.Name, Bindings = capture.BindingsOf(kind), Placeholder = kind == CapturedKind.Access ? parent.Template : PlaceholderTemplate.Default };
        var placeholder = kind == CapturedKind.Identity && WithoutSignature(token) is { } claims ? claims : provider.Placeholder.Derive(RandomNumberGenerator.GetBytes(32), parent.Name);
        var credential = new StoredCredential { Provider = parent.Name, Token = token, CreatedAt = DateTimeOffset.UtcNow };
        var grant = new UnlockedGrant(provider, credential, default, ImmutableSortedDictionary<string, string>.Empty.Add("", placeholder), parent.Scopes);
        parent.Changed += changed => Follow(changed, grant);
        if (parent.RevokedReason is { } reason) grant.Revoke(reason);
        return grant;
    }

    private static void Follow(UnlockedGrant parent, UnlockedGrant grant)
    {
        if (parent.RevokedReason is { } reason) grant.Revoke(reason);
    }

    // Clients read who is logged in out of an identity token (RFC 7519), so it keeps its claims; nobody who checks it takes it.
    private static string? WithoutSignature(Secret token)
    {
        var parts = Encoding.ASCII.GetString(token.Reveal()).Split('.');
        return parts.Length == 3 && parts.All(part => part.Length > 0) ? $"{parts[0]}.{parts[1]}.{System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))[..SignatureLength]}" : null;
    }
}
