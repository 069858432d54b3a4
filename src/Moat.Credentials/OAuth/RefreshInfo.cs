using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>What a token endpoint is shown for a new access token.</summary>
[JsonConverter(typeof(KebabCaseEnum<RefreshKind>))]
public enum RefreshKind
{
    /// <summary>A refresh token (RFC 6749 §6).</summary>
    RefreshToken,

    /// <summary>A statement signed with a key (RFC 7523 §2.1): a service account's. The key is in the refresh token's part, as base64 of PKCS #8 (RSA).</summary>
    Assertion,

    /// <summary>The client's own secret (RFC 6749 §4.4).</summary>
    ClientCredentials,

    /// <summary>Nothing: a program of the host prints the token (Kubernetes' ExecCredential).</summary>
    Command,
}

/// <summary>
/// How a credential is renewed. The refresh token is its part <see cref="RefreshPart"/>, a confidential
/// client's secret its part <see cref="ClientSecretPart"/>; neither has a binding, so neither ever goes into a request of
/// the sandbox.
/// </summary>
/// <param name="TokenUrl">The token endpoint: https, or http on a loopback address; empty for a program.</param>
/// <param name="ClientId">The client that the refresh token was given to.</param>
/// <param name="IsJson">True: the endpoint takes JSON in place of the standard's form.</param>
public sealed record RefreshInfo(string TokenUrl, string ClientId, bool IsJson = false)
{
    /// <summary>Asked when <see cref="TokenUrl"/> cannot be asked or answers neither yes nor no; empty: nobody.</summary>
    public string FallbackUrl { get; init; } = "";

    /// <summary>Set for a role of AWS, whose sessions STS gives; null for a token endpoint.</summary>
    public AwsRole? Role { get; init; }

    public RefreshKind Kind { get; init; }

    /// <summary>The scope that is asked for where the kind is no refresh token, which has its own; else empty.</summary>
    public string Scope { get; init; } = "";

    /// <summary>The program and its arguments, for <see cref="RefreshKind.Command"/>; else empty.</summary>
    public ImmutableArray<string> Command { get; init; } = [];

    /// <summary>Variables of the program beside the host's own.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The name of the key that signs an assertion; else empty.</summary>
    public string KeyId { get; init; } = "";

    /// <summary>True: the client's secret goes along as HTTP Basic (RFC 6749 §2.3.1), else in the form.</summary>
    public bool UsesBasic { get; init; }

    /// <summary>The resource that the token is for (RFC 8707); empty: it is not told.</summary>
    public string Resource { get; init; } = "";

    internal const string RefreshPart = "refresh";
    internal const string ClientSecretPart = "client-secret";
    private static readonly TimeSpan s_margin = TimeSpan.FromMinutes(5);

    /// <summary>When the credential is to be renewed: ahead of its expiry by a margin, which runs stretch differently so that they do not all come at once.</summary>
    /// <param name="credential">The credential.</param>
    /// <param name="jitter">From 0 to 1.</param>
    /// <returns>Null: it is never renewed.</returns>
    internal static DateTimeOffset? DueAt(StoredCredential credential, double jitter)
    {
        if (credential.Refresh is null || credential.Revoked is not null || credential.ExpiresAt is not { } expires) return null;
        var lifetime = expires - credential.CreatedAt;
        var margin = lifetime / 4 < s_margin ? lifetime / 4 : s_margin;
        return expires - margin * (1 + jitter);
    }
}
