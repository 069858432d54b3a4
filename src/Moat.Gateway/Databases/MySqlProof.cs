using System.Security.Cryptography;
using System.Text;
using Moat.Credentials;

namespace Moat.Gateway.Databases;

/// <summary>The proofs of MySQL's plugins for a password. The caller zeroes those that hold it.</summary>
internal static class MySqlProof
{
    public const string CachingSha2 = "caching_sha2_password", Clear = "mysql_clear_password";

    // A key that this machine could break would not keep the password.
    private const int MinRsaBits = 2048;

    /// <summary>The first proof of a plugin; null for one that is not known or may not be answered here.</summary>
    public static byte[]? First(string plugin, Secret password, ReadOnlySpan<byte> salt, bool isVerified) => plugin switch
    {
        MySqlGreeting.NativePassword => Native(password, salt),
        CachingSha2 => Sha2(password, salt),
        Clear when isVerified => WithZero(password),
        _ => null,
    };

    /// <summary>The password and a zero, for a connection that nobody else reads.</summary>
    public static byte[] WithZero(Secret password) => [.. password.Reveal(), 0];

    /// <summary>The password for the holder of an RSA key, mixed with the salt so that it serves once.</summary>
    /// <exception cref="SessionException">It is no key of a sound length.</exception>
    public static byte[] Encrypted(Secret password, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> pem)
    {
        var text = WithZero(password);
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(Encoding.ASCII.GetString(pem));
            if (rsa.KeySize < MinRsaBits) throw new SessionException("the server's RSA key is too short to keep a password");
            for (var i = 0; i < text.Length; i++) text[i] ^= salt[i % salt.Length];
            return rsa.Encrypt(text, RSAEncryptionPadding.OaepSHA1);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new SessionException("what the server sent is no RSA key", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

#pragma warning disable CA5350 // The protocol's own choice.
    private static byte[] Native(Secret password, ReadOnlySpan<byte> salt)
    {
        var stage1 = SHA1.HashData(password.Reveal());
        var proof = SHA1.HashData((byte[])[.. salt, .. SHA1.HashData(stage1)]);
        return Mix(proof, stage1);
    }
#pragma warning restore CA5350

    private static byte[] Sha2(Secret password, ReadOnlySpan<byte> salt)
    {
        var stage1 = SHA256.HashData(password.Reveal());
        var proof = SHA256.HashData((byte[])[.. SHA256.HashData(stage1), .. salt]);
        return Mix(proof, stage1);
    }

    private static byte[] Mix(byte[] proof, byte[] key)
    {
        for (var i = 0; i < proof.Length; i++) proof[i] ^= key[i];
        CryptographicOperations.ZeroMemory(key);
        return proof;
    }
}
