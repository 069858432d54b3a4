using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials;

/// <summary>
/// AWS Signature Version 4: the key of a day, region and service, and what is signed with it. Names and steps are those of
/// AWS's "Signing AWS API requests" (IAM User Guide).
/// </summary>
public static class SigV4
{
    /// <summary>The one algorithm of this class: symmetric, HMAC with SHA-256.</summary>
    public const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>SHA-256 of nothing, in lower-case hexadecimal.</summary>
    public const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// <summary>A time as signatures write it, in UTC: <c>20261124T101112Z</c>.</summary>
    public const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    private const int KeyLength = 32;

    /// <summary>The signing key: 32 bytes, which the caller zeroes.</summary>
    /// <param name="secret">The secret access key.</param>
    /// <param name="scope">Day, region and service it is for.</param>
    public static byte[] DeriveKey(ReadOnlySpan<byte> secret, in AwsCredentialScope scope)
    {
        var first = GC.AllocateUninitializedArray<byte>(4 + secret.Length, pinned: true);
        "AWS4"u8.CopyTo(first);
        secret.CopyTo(first.AsSpan(4));
        var key = GC.AllocateUninitializedArray<byte>(KeyLength, pinned: true);
        try
        {
            HMACSHA256.HashData(first, Encoding.ASCII.GetBytes(scope.Date), key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(first);
        }
        Span<byte> next = stackalloc byte[KeyLength];
        foreach (var step in (ReadOnlySpan<string>)[scope.Region, scope.Service, AwsCredentialScope.Terminator])
        {
            HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(step), next);
            next.CopyTo(key);
        }
        CryptographicOperations.ZeroMemory(next);
        return key;
    }

    /// <summary>The text that is signed for a request.</summary>
    /// <param name="time">In <see cref="TimeFormat"/>.</param>
    /// <param name="scope">Day, region and service.</param>
    /// <param name="canonicalRequest">Of <see cref="CanonicalRequest"/>.</param>
    public static string StringToSign(string time, in AwsCredentialScope scope, string canonicalRequest)
        => $"{Algorithm}\n{time}\n{scope}\n{HashOf(Encoding.UTF8.GetBytes(canonicalRequest))}";

    /// <summary>The signature of a text, in lower-case hexadecimal.</summary>
    public static string Sign(ReadOnlySpan<byte> key, string stringToSign)
    {
        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(stringToSign), signature);
        return Convert.ToHexStringLower(signature);
    }

    /// <summary>SHA-256 in lower-case hexadecimal.</summary>
    public static string HashOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Compares two signatures in a time that does not tell where they differ.</summary>
    public static bool AreEqual(string one, string other)
        => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));
}

/// <summary>What a signature is good for: one day (<c>yyyyMMdd</c>), one region, one service.</summary>
public readonly record struct AwsCredentialScope(string Date, string Region, string Service)
{
    internal const string Terminator = "aws4_request";

    /// <summary>Reads <c>20261124/eu-west-1/s3/aws4_request</c>; false for anything else.</summary>
    public static bool TryParse(string text, out AwsCredentialScope scope)
    {
        scope = default;
        if (text.Split('/') is not [{ Length: 8 } date, { Length: > 0 } region, { Length: > 0 } service, Terminator]) return false;
        if (!date.All(char.IsAsciiDigit) || !IsName(region) || !IsName(service)) return false;
        scope = new AwsCredentialScope(date, region, service);
        return true;
    }

    public override string ToString() => $"{Date}/{Region}/{Service}/{Terminator}";

    /// <summary>True for what regions and services are called: letters, digits and hyphens.</summary>
    internal static bool IsName(string text) => text.Length is > 0 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
