using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials;

/// <summary>
/// The shape of a service's tokens: literal text and <c>{alphabet:count}</c> runs, for example
/// <c>ghp_{base62:30}{crc32}</c>. Alphabets: <c>base62</c>, <c>base64url</c>, <c>hex</c>, <c>digits</c>; <c>{crc32}</c>
/// is GitHub's check sum, six base62 digits over everything between the literal prefix and itself.
/// </summary>
public sealed class PlaceholderTemplate
{
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int ChecksumLength = 6;
    private const double LeastBits = 96;

    private readonly ImmutableArray<Part> _parts;

    private PlaceholderTemplate(string text, ImmutableArray<Part> parts)
    {
        Text = text;
        _parts = parts;
        Length = parts.Sum(part => part.Literal.Length + part.Count);
    }

    /// <summary>What a service of unknown token shape gets.</summary>
    public static PlaceholderTemplate Default { get; } = Parse("moat_{base62:40}");

    public string Text { get; }

    /// <summary>Characters of each placeholder.</summary>
    public int Length { get; }

    /// <summary>The literal that tokens of this kind begin with; may be empty.</summary>
    public string LiteralPrefix => _parts[0].Literal;

    internal static PlaceholderTemplate Parse(string text)
        => TryParse(text, out var template, out var error) ? template : throw new FormatException(error);

    internal static bool TryParse(string text, [NotNullWhen(true)] out PlaceholderTemplate? template, out string error)
    {
        template = null;
        var parts = ImmutableArray.CreateBuilder<Part>();
        double bits = 0;
        for (var at = 0; at < text.Length;)
        {
            var open = text.IndexOf('{', at);
            var literal = text[at..(open < 0 ? text.Length : open)];
            if (literal.AsSpan().ContainsAnyExcept(Base62 + "_-.:"))
            {
                error = $"placeholder \"{text}\" may hold letters, digits and _ - . : around its {{alphabet:count}} parts";
                return false;
            }
            if (literal.Length > 0 || parts.Count == 0) parts.Add(new Part(literal, "", 0));
            if (open < 0) break;
            var close = text.IndexOf('}', open);
            if (close < 0 || !TryParsePart(text[(open + 1)..close], out var part))
            {
                error = $"placeholder \"{text}\" has a part that is none of {{base62:N}}, {{base64url:N}}, {{hex:N}}, {{digits:N}} (N from 1 to 256) and {{crc32}}";
                return false;
            }
            parts.Add(part);
            if (!part.IsChecksum) bits += part.Count * Math.Log2(part.Alphabet.Length);
            at = close + 1;
        }
        if (bits < LeastBits)
        {
            error = $"placeholder \"{text}\" has {bits.ToString("0", CultureInfo.InvariantCulture)} random bits; it needs {LeastBits:0}, or it could be guessed";
            return false;
        }
        template = new PlaceholderTemplate(text, parts.ToImmutable());
        error = "";
        return true;
    }

    /// <summary>
    /// The placeholder of one grant in one run: the same for the same key and name, unrelated for any other, and
    /// without any relation to the credential.
    /// </summary>
    /// <param name="runKey">Secret of the run, at least 16 bytes; it never enters the sandbox.</param>
    /// <param name="grant">The grant's name.</param>
    public string Derive(ReadOnlySpan<byte> runKey, string grant)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(runKey.Length, 16, nameof(runKey));
        var stream = new DerivedBytes(runKey, grant, Text);
        var result = new StringBuilder(Length);
        foreach (var part in _parts)
        {
            result.Append(part.Literal);
            if (part.IsChecksum)
            {
                result.Append(Checksum(result.ToString(LiteralPrefix.Length, result.Length - LiteralPrefix.Length)));
                continue;
            }
            for (var i = 0; i < part.Count; i++) result.Append(part.Alphabet[stream.Below(part.Alphabet.Length)]);
        }
        return result.ToString();
    }

    /// <summary>True when <paramref name="text"/> has this shape, check sum included.</summary>
    public bool Fits(ReadOnlySpan<char> text)
    {
        if (text.Length != Length) return false;
        var at = 0;
        foreach (var part in _parts)
        {
            var piece = text.Slice(at, part.Literal.Length + part.Count);
            var fits = part.IsChecksum ? piece.SequenceEqual(Checksum(text[LiteralPrefix.Length..at]))
                : part.Count > 0 ? !piece.ContainsAnyExcept(part.Alphabet)
                : piece.SequenceEqual(part.Literal);
            if (!fits) return false;
            at += piece.Length;
        }
        return true;
    }

    private static bool TryParsePart(string text, out Part part)
    {
        part = default;
        if (text == "crc32")
        {
            part = new Part("", Base62, ChecksumLength, IsChecksum: true);
            return true;
        }
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > 256) return false;
        var alphabet = text[..colon] switch
        {
            "base62" => Base62,
            "base64url" => Base62 + "-_",
            "hex" => "0123456789abcdef",
            "digits" => "0123456789",
            _ => null,
        };
        if (alphabet is null) return false;
        part = new Part("", alphabet, count);
        return true;
    }

    internal static string Checksum(ReadOnlySpan<char> text)
    {
        var crc = uint.MaxValue;
        foreach (var c in text)
        {
            crc ^= (byte)c;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
        }
        crc = ~crc;
        Span<char> digits = stackalloc char[ChecksumLength];
        for (var i = digits.Length - 1; i >= 0; i--, crc /= 62) digits[i] = Base62[(int)(crc % 62)];
        return digits.ToString();
    }

    private readonly record struct Part(string Literal, string Alphabet, int Count, bool IsChecksum = false);

    /// <summary>HMAC-SHA-256 in counter mode; bytes that would favour some characters are skipped.</summary>
    private ref struct DerivedBytes(ReadOnlySpan<byte> key, string grant, string template)
    {
        private readonly ReadOnlySpan<byte> _key = key;
        private byte[] _block = [];
        private int _at;
        private int _counter;

        internal int Below(int limit)
        {
            var fair = 256 - 256 % limit;
            while (true)
            {
                if (_at == _block.Length)
                {
                    _block = HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"moat placeholder 1\0{grant}\0{template}\0{_counter++}"));
                    _at = 0;
                }
                var value = _block[_at++];
                if (value < fair) return value % limit;
            }
        }
    }
}
