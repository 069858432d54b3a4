using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Moat.Gateway.Redaction;

/// <summary>
/// The byte strings that a service may send when it echoes a secret: raw, base64 (standard and URL alphabet, at each of
/// the three alignments, which covers <c>user:secret</c> of Basic and any other text around it), percent, JSON, HTML and
/// hexadecimal encoding, and UTF-16.
/// </summary>
/// <remarks>
/// At an alignment only the characters that depend on the secret alone are part of the form: the mixed characters at
/// its two ends give away at most four bits each.
/// </remarks>
internal static class SecretSpellings
{
    /// <summary>A shorter encoded form would hit clean text by chance. The raw secret counts from <see cref="ByteSearch.GramLength"/> bytes on.</summary>
    internal const int MinEncodedLength = 8;

    private const string Unreserved = "-._~";

    /// <summary>The distinct forms; the caller zeroes them.</summary>
    internal static List<byte[]> Of(ReadOnlySpan<byte> secret)
    {
        var forms = new List<byte[]>();
        if (secret.Length >= ByteSearch.GramLength) forms.Add(secret.ToArray());

        var encoded = new List<byte[]>();
        AddBase64(encoded, secret);
        AddPercent(encoded, secret);
        encoded.Add(Encoding.ASCII.GetBytes(Convert.ToHexString(secret)));
        encoded.Add(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret)));
        if (System.Text.Unicode.Utf8.IsValid(secret)) AddText(encoded, Encoding.UTF8.GetString(secret));
        foreach (var form in encoded)
        {
            if (form.Length >= MinEncodedLength && !forms.Exists(other => other.AsSpan().SequenceEqual(form))) forms.Add(form);
            else CryptographicOperations.ZeroMemory(form);
        }
        return forms;
    }

    private static void AddBase64(List<byte[]> forms, ReadOnlySpan<byte> secret)
    {
        for (var before = 0; before < 3; before++)
        {
            var padded = new byte[before + secret.Length];
            secret.CopyTo(padded.AsSpan(before));
            var text = new byte[Base64.GetMaxEncodedToUtf8Length(padded.Length)];
            Base64.EncodeToUtf8(padded, text, out _, out _);
            // Six bits a character: whole characters of the secret's own bits.
            var first = (before * 8 + 5) / 6;
            var end = padded.Length * 8 / 6;
            if (end > first)
            {
                var standard = text[first..end];
                forms.Add(standard);
                forms.Add(Map(standard, b => b switch { (byte)'+' => "-", (byte)'/' => "_", _ => null }));
                // Base64 inside JSON of encoders that escape the slash, and inside a query string.
                forms.Add(Map(standard, b => b == '/' ? "\\/" : null));
                forms.Add(Map(standard, b => b switch { (byte)'+' => "\\u002B", _ => null }));
                forms.Add(Map(standard, b => b switch { (byte)'+' => "%2B", (byte)'/' => "%2F", _ => null }));
                forms.Add(Map(standard, b => b switch { (byte)'+' => "%2b", (byte)'/' => "%2f", _ => null }));
            }
            CryptographicOperations.ZeroMemory(padded);
            CryptographicOperations.ZeroMemory(text);
        }
    }

    private static void AddPercent(List<byte[]> forms, ReadOnlySpan<byte> secret)
    {
        foreach (var format in new[] { "X2", "x2" })
        {
            var hex = format;
            forms.Add(Map(secret, b => IsPlain(b, Unreserved) ? null : "%" + b.ToString(hex)));           // RFC 3986
            forms.Add(Map(secret, b => b == ' ' ? "+" : IsPlain(b, "-._*") ? null : "%" + b.ToString(hex))); // HTML forms
            forms.Add(Map(secret, b => IsPlain(b, "-._~!*'()") ? null : "%" + b.ToString(hex)));          // encodeURIComponent
            forms.Add(Map(secret, b => IsPlain(b, "-._~!*'();/?:@&=+$,#") ? null : "%" + b.ToString(hex)));  // encodeURI
            forms.Add(Map(secret, b => "%" + b.ToString(hex)));
        }
    }

    private static void AddText(List<byte[]> forms, string text)
    {
        forms.Add(JsonEncodedText.Encode(text).EncodedUtf8Bytes.ToArray());
        forms.Add(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray());
        forms.Add(Encoding.UTF8.GetBytes(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).Value.Replace("/", "\\/", StringComparison.Ordinal)));
        foreach (var format in new[] { "X4", "x4" })
        {
            forms.Add(Escape(text, format, all: false));
            forms.Add(Escape(text, format, all: true));
        }

        forms.Add(Encoding.UTF8.GetBytes(WebUtility.HtmlEncode(text)));
        forms.Add(Encoding.UTF8.GetBytes(HtmlEncoder.Default.Encode(text)));
        forms.Add(Encoding.UTF8.GetBytes(text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)));
        forms.Add(Encoding.UTF8.GetBytes(text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
            .Replace("\"", "&#34;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal)));
        forms.Add(Encoding.Unicode.GetBytes(text));
        forms.Add(Encoding.BigEndianUnicode.GetBytes(text));
    }

    /// <summary>RFC 8259 §7: every character, or every one that is not a letter or a digit, as <c>\uXXXX</c>.</summary>
    private static byte[] Escape(string text, string format, bool all)
    {
        var escaped = new StringBuilder(text.Length * 6);
        foreach (var c in text)
        {
            if (!all && char.IsAsciiLetterOrDigit(c)) escaped.Append(c);
            else escaped.Append("\\u").Append(((int)c).ToString(format));
        }
        return Encoding.ASCII.GetBytes(escaped.ToString());
    }

    private static bool IsPlain(byte b, string others) => char.IsAsciiLetterOrDigit((char)b) || (b < 0x80 && others.Contains((char)b));

    private static byte[] Map(ReadOnlySpan<byte> bytes, Func<byte, string?> replace)
    {
        var mapped = new List<byte>(bytes.Length * 3);
        foreach (var b in bytes)
        {
            if (replace(b) is not { } text) mapped.Add(b);
            else foreach (var c in text) mapped.Add((byte)c);
        }
        return [.. mapped];
    }
}
