using System.Security.Cryptography;
using NSec.Cryptography;

namespace Moat.Credentials.Ssh;

/// <summary>A public key of SSH (RFC 4253 §6.6, RFC 5656, RFC 8709): Ed25519, ECDSA over the NIST curves, or RSA of at least 2048 bits.</summary>
public sealed class SshPublicKey : IEquatable<SshPublicKey>
{
    private const int MaxLength = 4096;
    private readonly byte[] _blob;

    private SshPublicKey(string type, byte[] blob) => (Type, _blob) = (type, blob);

    /// <summary><c>ssh-ed25519</c>, <c>ecdsa-sha2-nistp256</c> (384, 521) or <c>ssh-rsa</c>.</summary>
    public string Type { get; }

    /// <summary>The key as it goes over the wire.</summary>
    public ReadOnlySpan<byte> Blob => _blob;

    /// <summary>As ssh-keygen prints it: <c>SHA256:…</c>.</summary>
    public string Fingerprint => "SHA256:" + Convert.ToBase64String(SHA256.HashData(_blob)).TrimEnd('=');

    /// <summary>As a line of a .pub file, without a comment.</summary>
    public override string ToString() => $"{Type} {Convert.ToBase64String(_blob)}";

    /// <summary>The key of a blob; null for what is none, is spelled in another than the one way, or is of a kind that is not taken.</summary>
    public static SshPublicKey? Read(ReadOnlySpan<byte> blob)
    {
        if (blob.Length > MaxLength) return null;
        var reader = new SshReader(blob);
        var type = reader.Text();
        var whole = new SshWriter().String(type);
        switch (type)
        {
            case SshAlgorithms.Ed25519:
                var point = reader.String();
                if (point.Length != 32) return null;
                whole.String(point);
                break;
            case SshAlgorithms.EcdsaP256 or SshAlgorithms.EcdsaP384 or SshAlgorithms.EcdsaP521:
                var name = reader.Text();
                var uncompressed = reader.String();
                if (name != SshAlgorithms.CurveName(type) || uncompressed.Length != 1 + 2 * SshAlgorithms.CoordinateLength(type) || uncompressed[0] != 4) return null;
                whole.String(name).String(uncompressed);
                break;
            case SshAlgorithms.Rsa:
                var exponent = reader.Magnitude();
                var modulus = reader.Magnitude();
                if (exponent.Length is 0 or > 8 || modulus.Length is < 256 or > 2048) return null;
                whole.Magnitude(exponent).Magnitude(modulus);
                break;
            default:
                return null;
        }
        return reader.IsAtEnd && blob.SequenceEqual(whole.ToArray()) ? new SshPublicKey(type, blob.ToArray()) : null;
    }

    /// <summary>The key of <c>TYPE BASE64 [comment]</c>; null for what is none.</summary>
    public static SshPublicKey? Parse(string line)
    {
        if (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not [var type, var text, ..] || text.Length > MaxLength * 2) return null;
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && Read(bytes.AsSpan(0, length)) is { } key && key.Type == type ? key : null;
    }

    /// <summary>Whether a signature (string algorithm, string blob) over the data is this key's. SHA-1 is no signature.</summary>
    public bool Verify(ReadOnlySpan<byte> signature, ReadOnlySpan<byte> data)
    {
        var outer = new SshReader(signature);
        var algorithm = outer.Text();
        var value = outer.String();
        if (!outer.IsAtEnd) return false;
        try
        {
            var reader = new SshReader(_blob);
            _ = reader.String();
            return Type switch
            {
                SshAlgorithms.Ed25519 => algorithm == Type && VerifyEd25519(reader.String(), value, data),
                SshAlgorithms.Rsa => SshAlgorithms.RsaHash(algorithm) is { } hash && VerifyRsa(reader.Magnitude(), reader.Magnitude(), hash, value, data),
                _ => algorithm == Type && VerifyEcdsa(value, data),
            };
        }
        catch (Exception ex) when (ex is CryptographicException or FormatException)
        {
            // A point that is on no curve, or an absurd modulus: nothing is signed with such a key.
            return false;
        }
    }

    private static bool VerifyEd25519(ReadOnlySpan<byte> point, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> data)
        => signature.Length == 64 && SignatureAlgorithm.Ed25519.Verify(PublicKey.Import(SignatureAlgorithm.Ed25519, point, KeyBlobFormat.RawPublicKey), data, signature);

    private static bool VerifyRsa(ReadOnlySpan<byte> exponent, ReadOnlySpan<byte> modulus, HashAlgorithmName hash, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> data)
    {
        using var rsa = RSA.Create(new RSAParameters { Exponent = exponent.ToArray(), Modulus = modulus.ToArray() });
        return rsa.VerifyData(data, signature, hash, RSASignaturePadding.Pkcs1);
    }

    private bool VerifyEcdsa(ReadOnlySpan<byte> signature, ReadOnlySpan<byte> data)
    {
        var size = SshAlgorithms.CoordinateLength(Type);
        var reader = new SshReader(signature);
        var r = reader.Magnitude();
        var s = reader.Magnitude();
        if (!reader.IsAtEnd || r.Length > size || s.Length > size) return false;
        var plain = new byte[2 * size];
        r.CopyTo(plain.AsSpan(size - r.Length));
        s.CopyTo(plain.AsSpan(2 * size - s.Length));
        using var ecdsa = ECDsa.Create(new ECParameters { Curve = SshAlgorithms.Curve(Type), Q = Point() });
        return ecdsa.VerifyData(data, plain, SshAlgorithms.EcdsaHash(Type), DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>The point of an ECDSA key.</summary>
    internal ECPoint Point()
    {
        var reader = new SshReader(_blob);
        _ = reader.String();
        _ = reader.String();
        var point = reader.String()[1..];
        return new ECPoint { X = point[..(point.Length / 2)].ToArray(), Y = point[(point.Length / 2)..].ToArray() };
    }

    public bool Equals(SshPublicKey? other) => other is not null && _blob.AsSpan().SequenceEqual(other._blob);

    public override bool Equals(object? obj) => Equals(obj as SshPublicKey);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_blob);
        return hash.ToHashCode();
    }
}
