using System.Numerics;
using System.Security.Cryptography;
using NSec.Cryptography;

namespace Moat.Credentials.Ssh;

/// <summary>
/// Signs with the private section of an OpenSSH key file: two equal check numbers, the key's type, its numbers, a
/// comment, padding. The key is opened for one signature and closed again.
/// </summary>
internal static class SshPrivateKey
{
    /// <summary>Whether the section opens, and is the other half of the public key: shown by a signature.</summary>
    public static bool Fits(Secret section, SshPublicKey publicKey)
    {
        var flags = publicKey.Type == SshAlgorithms.Rsa ? SshAlgorithms.AgentRsaSha256 : 0;
        try
        {
            return publicKey.Verify(Sign(section.Reveal(), publicKey, SshAlgorithms.Signature(publicKey.Type, flags)!, "moat"u8), "moat"u8);
        }
        catch (Exception ex) when (ex is CryptographicException or FormatException)
        {
            // Numbers that make no key.
            return false;
        }
    }

    /// <summary>A signature (string algorithm, string blob) over the data.</summary>
    /// <exception cref="CryptographicException">The section holds no key of this type.</exception>
    public static byte[] Sign(ReadOnlySpan<byte> section, SshPublicKey publicKey, string algorithm, ReadOnlySpan<byte> data)
    {
        var reader = new SshReader(section);
        var (first, second) = (reader.UInt32(), reader.UInt32());
        if (first != second || reader.Text() != publicKey.Type || reader.Failed) throw new CryptographicException("The private key does not open.");
        var signature = publicKey.Type switch
        {
            SshAlgorithms.Ed25519 => SignEd25519(ref reader, data),
            SshAlgorithms.Rsa => SignRsa(ref reader, SshAlgorithms.RsaHash(algorithm) ?? throw new CryptographicException("No signature of an RSA key."), data),
            _ => SignEcdsa(ref reader, publicKey, data),
        };
        return new SshWriter().String(algorithm).String(signature).ToArray();
    }

    private static byte[] SignEd25519(ref SshReader reader, ReadOnlySpan<byte> data)
    {
        _ = reader.String();
        // The seed, then the public half once more.
        var both = reader.String();
        if (both.Length != 64) throw new CryptographicException("The private key is damaged.");
        using var key = Key.Import(SignatureAlgorithm.Ed25519, both[..32], KeyBlobFormat.RawPrivateKey);
        return SignatureAlgorithm.Ed25519.Sign(key, data);
    }

    private static byte[] SignEcdsa(ref SshReader reader, SshPublicKey publicKey, ReadOnlySpan<byte> data)
    {
        _ = reader.String();
        _ = reader.String();
        var number = reader.Magnitude();
        var size = SshAlgorithms.CoordinateLength(publicKey.Type);
        if (number.IsEmpty || number.Length > size) throw new CryptographicException("The private key is damaged.");
        var d = GC.AllocateArray<byte>(size, pinned: true);
        try
        {
            number.CopyTo(d.AsSpan(size - number.Length));
            using var ecdsa = ECDsa.Create(new ECParameters { Curve = SshAlgorithms.Curve(publicKey.Type), D = d, Q = publicKey.Point() });
            var plain = ecdsa.SignData(data, SshAlgorithms.EcdsaHash(publicKey.Type), DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            return new SshWriter().Magnitude(plain.AsSpan(0, size)).Magnitude(plain.AsSpan(size)).ToArray();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(d);
        }
    }

    private static byte[] SignRsa(ref SshReader reader, HashAlgorithmName hash, ReadOnlySpan<byte> data)
    {
        var n = reader.Magnitude();
        var e = reader.Magnitude();
        var d = reader.Magnitude();
        var inverse = reader.Magnitude();
        var p = reader.Magnitude();
        var q = reader.Magnitude();
        if (reader.Failed || p.IsEmpty || q.IsEmpty) throw new CryptographicException("The private key is damaged.");
        var half = (n.Length + 1) / 2;
        var parameters = new RSAParameters
        {
            Modulus = n.ToArray(),
            Exponent = e.ToArray(),
            D = Padded(d, n.Length),
            P = Padded(p, half),
            Q = Padded(q, half),
            InverseQ = Padded(inverse, half),
            DP = Remainder(d, p, half),
            DQ = Remainder(d, q, half),
        };
        try
        {
            using var rsa = RSA.Create(parameters);
            return rsa.SignData(data, hash, RSASignaturePadding.Pkcs1);
        }
        finally
        {
            foreach (var part in (byte[]?[])[parameters.D, parameters.P, parameters.Q, parameters.InverseQ, parameters.DP, parameters.DQ]) CryptographicOperations.ZeroMemory(part);
        }
    }

    // OpenSSH's file leaves the two exponents of the Chinese remainder theorem out: d mod (p - 1) and d mod (q - 1).
    private static byte[] Remainder(ReadOnlySpan<byte> d, ReadOnlySpan<byte> prime, int length)
    {
        var remainder = new BigInteger(d, isUnsigned: true, isBigEndian: true) % (new BigInteger(prime, isUnsigned: true, isBigEndian: true) - 1);
        var bytes = GC.AllocateArray<byte>(length, pinned: true);
        if (!remainder.TryWriteBytes(bytes.AsSpan(length - remainder.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true))
            throw new CryptographicException("The private key is damaged.");
        return bytes;
    }

    private static byte[] Padded(ReadOnlySpan<byte> number, int length)
    {
        if (number.Length > length) throw new CryptographicException("The private key is damaged.");
        var padded = GC.AllocateArray<byte>(length, pinned: true);
        number.CopyTo(padded.AsSpan(length - number.Length));
        return padded;
    }
}
