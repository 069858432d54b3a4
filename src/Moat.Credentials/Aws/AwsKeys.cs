using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials;

/// <summary>
/// The keys of an AWS account or of a role's session, as they are in one moment. They belong to their grant, which zeroes
/// them; the session token and the key's id become text, as headers are.
/// </summary>
public readonly struct AwsKeys
{
    internal const string KeyIdPart = "key-id";
    internal const string SessionPart = "session-token";

    private readonly Secret _secret;

    internal AwsKeys(Secret keyId, Secret secret, Secret? session)
    {
        _secret = secret;
        KeyId = Encoding.ASCII.GetString(keyId.Reveal());
        SessionToken = session is null ? "" : Encoding.ASCII.GetString(session.Reveal());
    }

    /// <summary>The keys of a grant whose secrets are named as <see cref="UnlockedGrant.Snapshot"/> does.</summary>
    public static AwsKeys Of(IReadOnlyDictionary<string, Secret> secrets)
        => new(secrets[KeyIdPart], secrets[""], secrets.GetValueOrDefault(SessionPart));

    /// <summary><c>AKIA…</c>, or <c>ASIA…</c> of a session.</summary>
    public string KeyId { get; }

    /// <summary>Empty for keys that are no session's.</summary>
    public string SessionToken { get; }

    /// <summary>The signing key, which the caller zeroes.</summary>
    public byte[] DeriveKey(in AwsCredentialScope scope) => SigV4.DeriveKey(_secret.Reveal(), scope);

    public override string ToString() => "[secret]";

    /// <summary>
    /// The id of the key that a sandbox signs with, made of the placeholder that stands for the secret key: <c>AKIA</c> and
    /// sixteen of the characters that ids are made of.
    /// </summary>
    public static string PlaceholderId(string placeholder)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes("moat aws key id\0" + placeholder), hash);
        Span<char> id = stackalloc char[16];
        for (var i = 0; i < id.Length; i++) id[i] = alphabet[hash[i] & 31];
        return $"AKIA{id}";
    }
}
