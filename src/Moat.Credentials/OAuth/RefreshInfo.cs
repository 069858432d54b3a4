namespace Moat.Credentials;

/// <summary>
/// How a credential is renewed (RFC 6749 §6). The refresh token is its part <see cref="RefreshPart"/>, a confidential
/// client's secret its part <see cref="ClientSecretPart"/>; neither has a binding, so neither ever goes into a request of
/// the sandbox.
/// </summary>
/// <param name="TokenUrl">The token endpoint: https, or http on a loopback address.</param>
/// <param name="ClientId">The client that the refresh token was given to.</param>
/// <param name="IsJson">True: the endpoint takes JSON in place of the standard's form.</param>
public sealed record RefreshInfo(string TokenUrl, string ClientId, bool IsJson = false)
{
    /// <summary>Asked when <see cref="TokenUrl"/> cannot be asked or answers neither yes nor no; empty: nobody.</summary>
    public string FallbackUrl { get; init; } = "";

    /// <summary>Set for a role of AWS, whose sessions STS gives; null for a token endpoint.</summary>
    public AwsRole? Role { get; init; }

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
