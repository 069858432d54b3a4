using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Moat.Credentials;

/// <summary>A JWT (RFC 7519, RS256) by which a service account asks for a token (RFC 7523 §3). It is good for ten minutes, at one endpoint.</summary>
internal static class SignedAssertion
{
    internal const string GrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private static readonly TimeSpan s_life = TimeSpan.FromMinutes(10);

    /// <exception cref="TokenRefusedException">The key is none.</exception>
    internal static string Sign(RefreshInfo info, Secret key)
    {
        using var rsa = RSA.Create();
        var pkcs8 = GC.AllocateUninitializedArray<byte>(key.Length, pinned: true);
        try
        {
            if (System.Buffers.Text.Base64.DecodeFromUtf8(key.Reveal(), pkcs8, out _, out var length) != System.Buffers.OperationStatus.Done) throw new TokenRefusedException("its key is no key", isFinal: true);
            rsa.ImportPkcs8PrivateKey(pkcs8.AsSpan(0, length), out _);
        }
        catch (CryptographicException)
        {
            throw new TokenRefusedException("its key is no RSA key", isFinal: true);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
        var now = DateTimeOffset.UtcNow;
        var text = $"{Part(json => Header(json, info))}.{Part(json => Claims(json, info, now))}";
        return $"{text}.{Base64Url.EncodeToString(rsa.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static void Header(Utf8JsonWriter json, RefreshInfo info)
    {
        json.WriteString("alg"u8, "RS256"u8);
        json.WriteString("typ"u8, "JWT"u8);
        if (info.KeyId.Length > 0) json.WriteString("kid"u8, info.KeyId);
    }

    private static void Claims(Utf8JsonWriter json, RefreshInfo info, DateTimeOffset now)
    {
        json.WriteString("iss"u8, info.ClientId);
        json.WriteString("scope"u8, info.Scope);
        json.WriteString("aud"u8, info.TokenUrl);
        json.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
        json.WriteNumber("exp"u8, (now + s_life).ToUnixTimeSeconds());
    }

    private static string Part(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return Base64Url.EncodeToString(buffer.ToArray());
    }
}
