using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Moat.Credentials;

/// <summary>The spellings in which a service may send a credential back.</summary>
internal static class SecretForms
{
    internal static IEnumerable<byte[]> Of(Secret secret, IEnumerable<string> basicUsers)
    {
        var seen = new List<byte[]>();
        foreach (var form in All(secret.Reveal(), basicUsers))
        {
            if (seen.Exists(other => other.AsSpan().SequenceEqual(form))) CryptographicOperations.ZeroMemory(form);
            else seen.Add(form);
        }
        return seen;
    }

    private static List<byte[]> All(ReadOnlySpan<byte> token, IEnumerable<string> basicUsers)
    {
        var forms = new List<byte[]>();
        AddEncodings(forms, token);
        foreach (var user in basicUsers)
        {
            byte[] pair = [.. Encoding.ASCII.GetBytes(user + ":"), .. token];
            AddEncodings(forms, pair);
            CryptographicOperations.ZeroMemory(pair);
        }
        return forms;
    }

    private static void AddEncodings(List<byte[]> forms, ReadOnlySpan<byte> token)
    {
        var text = Encoding.UTF8.GetString(token);
        var base64 = Convert.ToBase64String(token);
        forms.Add(token.ToArray());
        forms.Add(Encoding.ASCII.GetBytes(base64));
        forms.Add(Encoding.ASCII.GetBytes(base64.TrimEnd('=').Replace('+', '-').Replace('/', '_')));
        forms.Add(Encoding.ASCII.GetBytes(Uri.EscapeDataString(text)));
        forms.Add(JsonEncodedText.Encode(token).EncodedUtf8Bytes.ToArray());
        forms.Add(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(token)));
        forms.Add(Encoding.ASCII.GetBytes(Convert.ToHexString(token)));
    }
}
