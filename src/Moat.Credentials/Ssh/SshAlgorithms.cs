using System.Security.Cryptography;

namespace Moat.Credentials.Ssh;

/// <summary>The names of keys and signatures, and what stands behind them.</summary>
public static class SshAlgorithms
{
    public const string Ed25519 = "ssh-ed25519";
    public const string EcdsaP256 = "ecdsa-sha2-nistp256";
    public const string EcdsaP384 = "ecdsa-sha2-nistp384";
    public const string EcdsaP521 = "ecdsa-sha2-nistp521";

    /// <summary>A key's type alone; as a signature it would be SHA-1, which is neither made nor taken.</summary>
    public const string Rsa = "ssh-rsa";

    /// <summary>RFC 8332.</summary>
    public const string RsaSha256 = "rsa-sha2-256";

    /// <summary>RFC 8332.</summary>
    public const string RsaSha512 = "rsa-sha2-512";

    /// <summary>The flags of an agent's sign request (draft-miller-ssh-agent §3.6.1).</summary>
    public const uint AgentRsaSha256 = 2, AgentRsaSha512 = 4;

    /// <summary>The signature that a key makes under an agent's flags; null where that would be none that is made here.</summary>
    public static string? Signature(string keyType, uint flags) => (keyType, flags) switch
    {
        (Rsa, AgentRsaSha256) => RsaSha256,
        (Rsa, AgentRsaSha512) => RsaSha512,
        (Rsa, _) => null,
        // A client may set the flags for whatever key; they speak of RSA alone.
        (_, 0 or AgentRsaSha256 or AgentRsaSha512) => keyType,
        _ => null,
    };

    /// <summary>The signatures that a host key of a type makes, in the order of preference.</summary>
    public static IReadOnlyList<string> Signatures(string keyType) => keyType == Rsa ? [RsaSha512, RsaSha256] : [keyType];

    internal static HashAlgorithmName? RsaHash(string signature) => signature switch
    {
        RsaSha256 => HashAlgorithmName.SHA256,
        RsaSha512 => HashAlgorithmName.SHA512,
        _ => null,
    };

    internal static string CurveName(string keyType) => keyType["ecdsa-sha2-".Length..];

    internal static int CoordinateLength(string keyType) => keyType switch { EcdsaP256 => 32, EcdsaP384 => 48, _ => 66 };

    internal static ECCurve Curve(string keyType) => keyType switch { EcdsaP256 => ECCurve.NamedCurves.nistP256, EcdsaP384 => ECCurve.NamedCurves.nistP384, _ => ECCurve.NamedCurves.nistP521 };

    internal static HashAlgorithmName EcdsaHash(string keyType) => keyType switch { EcdsaP256 => HashAlgorithmName.SHA256, EcdsaP384 => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
}
