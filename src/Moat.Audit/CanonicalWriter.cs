using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Moat.Audit;

/// <summary>Values in the form of RFC 8785 (JSON Canonicalization Scheme, section 3.2.2).</summary>
internal static class CanonicalWriter
{
    /// <summary>The largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2).</summary>
    public const long MaxInteger = (1L << 53) - 1;

    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\"\\");

    /// <summary>A quoted string. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.</summary>
    public static void String(ByteBuffer output, ReadOnlySpan<char> text)
    {
        output.Add((byte)'"');
        while (true)
        {
            var next = text.IndexOfAny(Escaped);
            var run = next < 0 ? text : text[..next];
            output.Advance(Encoding.UTF8.GetBytes(run, output.Reserve(run.Length * 3)));
            if (next < 0)
                break;
            Escape(output, text[next]);
            text = text[(next + 1)..];
        }
        output.Add((byte)'"');
    }

    /// <summary>An integer; one beyond ±(2^53-1) as a string of its digits, since a JSON number would not keep it.</summary>
    public static void Integer(ByteBuffer output, long value)
    {
        var exact = value is >= -MaxInteger and <= MaxInteger;
        if (!exact)
            output.Add((byte)'"');
        Utf8Formatter.TryFormat(value, output.Reserve(20), out var written);
        output.Advance(written);
        if (!exact)
            output.Add((byte)'"');
    }

    private static void Escape(ByteBuffer output, char c)
    {
        switch (c)
        {
            case '"': output.Add("\\\""u8); break;
            case '\\': output.Add("\\\\"u8); break;
            case '\b': output.Add("\\b"u8); break;
            case '\t': output.Add("\\t"u8); break;
            case '\n': output.Add("\\n"u8); break;
            case '\f': output.Add("\\f"u8); break;
            case '\r': output.Add("\\r"u8); break;
            default:
                output.Add("\\u00"u8);
                output.Add("0123456789abcdef"u8[c >> 4]);
                output.Add("0123456789abcdef"u8[c & 15]);
                break;
        }
    }
}
