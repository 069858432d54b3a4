using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Moat.Gateway.Redaction;
using Moat.Spec;

namespace Moat.Gateway.Tests.Redaction;

public class SpellingTests
{
    public static TheoryData<string> Encodings => new(s_encoders.Keys);

    private static readonly Dictionary<string, Func<string, string>> s_encoders = new()
    {
        ["raw"] = text => text,
        ["base64"] = text => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)),
        ["base64 after one byte"] = text => Convert.ToBase64String(Encoding.UTF8.GetBytes("u" + text)),
        ["base64 after two bytes"] = text => Convert.ToBase64String(Encoding.UTF8.GetBytes("u:" + text)),
        ["base64 between text"] = text => Convert.ToBase64String(Encoding.UTF8.GetBytes("{\"k\":\"" + text + "\"}")),
        ["basic"] = text => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("x-access-token:" + text)),
        ["base64url"] = text => Convert.ToBase64String(Encoding.UTF8.GetBytes("user:" + text)).TrimEnd('=').Replace('+', '-').Replace('/', '_'),
        ["base64 in a query"] = text => Uri.EscapeDataString(Convert.ToBase64String(Encoding.UTF8.GetBytes(text))),
        ["base64 in json with slashes escaped"] = text => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).Replace("/", "\\/", StringComparison.Ordinal),
        ["percent upper"] = Uri.EscapeDataString,
        ["percent lower"] = text => Lower(Uri.EscapeDataString(text)),
        ["form"] = text => WebUtility.UrlEncode(text)!,
        ["percent all"] = text => string.Concat(Encoding.UTF8.GetBytes(text).Select(b => $"%{b:x2}")),
        ["json"] = text => JsonEncodedText.Encode(text).ToString(),
        ["json relaxed"] = text => JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(),
        ["json escaped"] = text => string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) ? c.ToString() : $"\\u{(int)c:x4}")),
        ["hex upper"] = text => Convert.ToHexString(Encoding.UTF8.GetBytes(text)),
        ["hex lower"] = text => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text)),
        ["html"] = text => WebUtility.HtmlEncode(text),
        ["html encoder"] = HtmlEncoder.Default.Encode,
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void T_31_an_echoed_secret_is_masked_in_this_encoding(string encoding)
    {
        for (var i = 0; i < 40; i++)
        {
            var secret = i % 2 == 0 ? RedactionGen.NewSecret() : RedactionGen.NewSpecialSecret();
            using var redactor = RedactionGen.Redactor(secret);
            var echoed = s_encoders[encoding](Encoding.UTF8.GetString(secret));
            var text = Encoding.UTF8.GetBytes("<<" + echoed + ">>");
            var length = text.Length;
            Assert.True(redactor.Redact(text));
            Assert.Equal(length, text.Length);
            // What base64 leaves at the two ends is a mixed character each: no window of six bytes of the form is left.
            var form = Encoding.UTF8.GetBytes(echoed);
            var core = encoding.StartsWith("bas", StringComparison.Ordinal) ? form[^24..^8] : form;
            Assert.False(RedactionGen.Contains(text, core));
        }
    }

    [Fact]
    public void T_31_utf16_is_masked_in_both_byte_orders()
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        foreach (var encoding in new[] { Encoding.Unicode, Encoding.BigEndianUnicode })
        {
            var text = encoding.GetBytes("token=" + Encoding.ASCII.GetString(secret) + ";");
            Assert.True(redactor.Redact(text));
            Assert.False(RedactionGen.Contains(text, encoding.GetBytes(Encoding.ASCII.GetString(secret))));
        }
    }

    [Fact]
    public void Binary_secrets_have_their_binary_spellings()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        secret[0] = 0xFF; // no UTF-8
        using var redactor = RedactionGen.Redactor(secret);
        foreach (var form in new[] { secret, Encoding.ASCII.GetBytes(Convert.ToHexString(secret)), Encoding.ASCII.GetBytes(Convert.ToBase64String(secret)) })
            Assert.True(redactor.Redact([.. form]));
    }

    [Fact]
    public void Several_secrets_are_all_masked_and_a_short_one_is_refused_by_name()
    {
        var secrets = Enumerable.Range(0, 8).Select(i => RedactionGen.NewSecret(20 + 9 * i)).ToArray();
        using var redactor = RedactionGen.Redactor(secrets);
        var text = secrets.SelectMany(secret => (byte[])[.. secret, (byte)' ']).ToArray();
        redactor.Redact(text);
        Assert.All(secrets, secret => Assert.False(RedactionGen.Contains(text, secret)));

        var refused = Assert.Throws<MoatException>(() => new SecretRedactor([("mine", new byte[3])]));
        Assert.Contains("mine", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Header_texts_are_masked_and_clean_ones_are_the_same_object()
    {
        var secret = RedactionGen.NewSecret();
        using var redactor = RedactionGen.Redactor(secret);
        const string clean = "max-age=31536000; includeSubDomains; and some more text that is long enough to search";
        Assert.Same(clean, redactor.Redact(clean));
        Assert.Null(redactor.Redact((string?)null));
        var dirty = redactor.Redact("https://x/?t=" + Encoding.ASCII.GetString(secret));
        Assert.StartsWith("https://x/?t=[moat:redacted]*", dirty, StringComparison.Ordinal);
    }

    private static string Lower(string percent)
    {
        var text = percent.ToCharArray();
        for (var i = 0; i + 2 < text.Length; i++)
            if (text[i] == '%') (text[i + 1], text[i + 2]) = (char.ToLower(text[i + 1], CultureInfo.InvariantCulture), char.ToLower(text[i + 2], CultureInfo.InvariantCulture));
        return new string(text);
    }
}
