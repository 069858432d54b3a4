using System.Text;

namespace Moat.Policy;

/// <summary>
/// Brings a request target's path to the one form that rules are matched on. Where two servers could read a path in two
/// ways (an encoded slash, dot segments, empty segments, path parameters, a second coding, invalid UTF-8) there is no
/// such form, and a host with path rules denies it (RFC 3986 sections 3.3 and 6.2.2).
/// </summary>
internal static class RequestPath
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <param name="target">The raw target in origin form, its query included.</param>
    /// <param name="path">The decoded path without a trailing slash (but <c>/</c> itself).</param>
    /// <param name="reason">Why there is none.</param>
    public static bool TryCanonicalize(ReadOnlySpan<char> target, out string path, out string reason)
    {
        path = "";
        reason = "";
        var end = target.IndexOf('?');
        if (end >= 0) target = target[..end];
        if (target.IsEmpty || target[0] != '/') return No("the path does not begin with a slash", out reason);
        Span<byte> decoded = target.Length <= 1024 ? stackalloc byte[target.Length] : new byte[target.Length];
        var length = 0;
        for (var i = 0; i < target.Length; i++)
        {
            var c = target[i];
            if (c > 0x7e || c <= 0x20) return No("the path holds a space, a control character or a raw byte above 0x7e", out reason);
            if (c is '\\' or '#') return No("the path holds a backslash or a fragment", out reason);
            if (c == ';') return No("the path holds a path parameter (;)", out reason);
            if (c != '%')
            {
                decoded[length++] = (byte)c;
                continue;
            }

            if (i + 2 >= target.Length || !char.IsAsciiHexDigit(target[i + 1]) || !char.IsAsciiHexDigit(target[i + 2])) return No("the path holds a broken percent escape", out reason);
            var value = (byte)((Hex(target[i + 1]) << 4) | Hex(target[i + 2]));
            if (value is (byte)'/' or (byte)'\\' or (byte)'%' or (byte)';' or < 0x20 or 0x7f) return No("the path holds an escaped slash, backslash, percent sign, semicolon or control character", out reason);
            decoded[length++] = value;
            i += 2;
        }

        string text;
        try
        {
            text = Strict.GetString(decoded[..length]);
        }
        catch (DecoderFallbackException)
        {
            return No("the path is not valid UTF-8", out reason);
        }

        var first = true;
        foreach (var range in text.AsSpan().Split('/'))
        {
            var segment = text.AsSpan()[range];
            if (segment is "." or "..") return No("the path holds a dot segment", out reason);
            if (segment.IsEmpty && !first && range.End.Value != text.Length) return No("the path holds an empty segment", out reason);
            first = false;
        }

        path = text.Length > 1 && text[^1] == '/' ? text[..^1] : text;
        return true;
    }

    private static int Hex(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;

    private static bool No(string why, out string reason)
    {
        reason = why;
        return false;
    }
}
