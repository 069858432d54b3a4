namespace Moat.Credentials;

/// <summary>
/// A role that sessions are assumed of. <see cref="RefreshInfo.ClientId"/> is its ARN, <see cref="RefreshInfo.TokenUrl"/>
/// the address of STS; the keys that may assume it are the parts of the credential whose names begin with <c>source-</c>,
/// which no binding has.
/// </summary>
/// <param name="Region">That STS is asked in.</param>
/// <param name="ExternalId">What the role's owner asks for; empty: nothing.</param>
/// <param name="Seconds">How long a session lives: 900 to 43200.</param>
public sealed record AwsRole(string Region, string ExternalId, int Seconds)
{
    internal const string SourcePrefix = "source-";
    internal const string SourceSecretPart = SourcePrefix + "secret";

    internal static AwsKeys SourceOf(StoredCredential credential) => new(
        credential.Parts[SourcePrefix + AwsKeys.KeyIdPart],
        credential.Parts[SourceSecretPart],
        credential.Parts.GetValueOrDefault(SourcePrefix + AwsKeys.SessionPart));
}
