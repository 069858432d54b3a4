using System.Buffers;
using System.Text.Unicode;

namespace Moat.Policy;

/// <summary>
/// Brings a request target's path to the one form that rules are matched on. Where two servers could read a path in two
/// ways (an encoded slash, dot segments, empty segments, path parameters, a second coding, invalid UTF-8) there is no
/// such form, and a host with path rules denies it (RFC 3986 sections 3.3 and 6.2.2).
/// </summary>
internal static class RequestPath
{
    /// <summary>Visible ASCII that means the same to every server.</summary>
    private static readonly SearchValues<char> RawCharacters = SearchValues.Create(
        "!\"$%&'()*+,-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>Characters that a compatibility normalisation or a best-fit code page turns into a dot or a slash.</summary>
    private static readonly SearchValues<char> LookAlikes = SearchValues.Create("\u2024\u2025\u2044\u2215\u2216\ufe52\ufe68\uff0e\uff0f\uff3c");

    /// <param name="target">The raw target in origin form, its query included.</param>
    /// <param name="buffer">At least as long as the target; used only where something is escaped.</param>
    /// <param name="path">The decoded path without a trailing slash (but <c>/</c> itself), in the target or the buffer.</param>
    /// <param name="reason">Why there is none; empty when there is one.</param>
    public static bool TryCanonicalize(ReadOnlySpan<char> target, Span<char> buffer, out ReadOnlySpan<char> path, out string reason)
    {
        path = default;
        var end = target.IndexOf('?');
        if (end >= 0) target = target[..end];
        reason = RefuseRaw(target);
        if (reason.Length > 0) return false;
        if (target.Contains('%'))
        {
            reason = Decode(target, buffer, out var length);
            if (reason.Length > 0) return false;
            target = buffer[..length];
        }

        reason = RefuseSegments(target);
        path = target.Length > 1 && target[^1] == '/' ? target[..^1] : target;
        return reason.Length == 0;
    }

    private static string RefuseRaw(ReadOnlySpan<char> target)
    {
        if (target.IsEmpty || target[0] != '/') return "the path does not begin with a slash";
        var stranger = target.IndexOfAnyExcept(RawCharacters);
        if (stranger < 0) return "";
        return target[stranger] switch
        {
            ';' => "the path holds a path parameter (;)",
            '\\' or '#' => "the path holds a backslash or a fragment",
            _ => "the path holds a space, a control character or a raw byte above 0x7e",
        };
    }

    private static string Decode(ReadOnlySpan<char> target, Span<char> buffer, out int length)
    {
        length = 0;
        byte[]? rented = null;
        Span<byte> decoded = target.Length <= 1024 ? stackalloc byte[1024] : rented = ArrayPool<byte>.Shared.Rent(target.Length);
        try
        {
            var count = 0;
            for (var i = 0; i < target.Length; i++)
            {
                if (target[i] != '%')
                {
                    decoded[count++] = (byte)target[i];
                    continue;
                }

                if (i + 2 >= target.Length || !char.IsAsciiHexDigit(target[i + 1]) || !char.IsAsciiHexDigit(target[i + 2])) return "the path holds a broken percent escape";
                var value = (byte)((Hex(target[i + 1]) << 4) | Hex(target[i + 2]));
                if (value is (byte)'/' or (byte)'\\' or (byte)'%' or (byte)';' or (byte)'?' or (byte)'#' or < 0x20 or 0x7f)
                    return "the path holds an escaped / \\ % ; ? # or control character";
                decoded[count++] = value;
                i += 2;
            }

            if (Utf8.ToUtf16(decoded[..count], buffer, out _, out length, replaceInvalidSequences: false) != OperationStatus.Done) return "the path is not valid UTF-8";
            return buffer[..length].ContainsAny(LookAlikes) ? "the path holds a character that some servers read as a dot or a slash" : "";
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static string RefuseSegments(ReadOnlySpan<char> path)
    {
        var rest = path[1..];
        while (!rest.IsEmpty)
        {
            var slash = rest.IndexOf('/');
            var segment = slash < 0 ? rest : rest[..slash];
            if (segment.IsEmpty) return "the path holds an empty segment";
            if (segment is "." or "..") return "the path holds a dot segment";
            if (slash < 0) break;
            rest = rest[(slash + 1)..];
        }

        return "";
    }

    private static int Hex(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}
