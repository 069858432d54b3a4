using Microsoft.Extensions.Primitives;

namespace Moat.Gateway.Injections;

/// <summary>A cookie of a request (RFC 6265 §4.2.1): <c>name=value</c> pairs between semicolons.</summary>
internal static class CookieSlot
{
    public static int Count(StringValues lines, string name, string placeholder)
    {
        var count = 0;
        foreach (var line in lines)
        {
            foreach (var range in line.AsSpan().Split(';'))
            {
                if (Find(line.AsSpan()[range], name, placeholder) >= 0)
                    count++;
            }
        }
        return count;
    }

    /// <summary>The line with the placeholder replaced.</summary>
    public static string Replace(string line, string name, string placeholder, string value)
    {
        foreach (var range in line.AsSpan().Split(';'))
        {
            var (offset, length) = range.GetOffsetAndLength(line.Length);
            var at = Find(line.AsSpan(offset, length), name, placeholder);
            if (at >= 0)
                return string.Concat(line.AsSpan(0, offset + at), value, line.AsSpan(offset + at + placeholder.Length));
        }
        return line;
    }

    private static int Find(ReadOnlySpan<char> pair, string name, string placeholder)
    {
        var equals = pair.IndexOf('=');
        if (equals < 0 || !pair[..equals].Trim().SequenceEqual(name) || !pair[(equals + 1)..].Trim().SequenceEqual(placeholder))
            return -1;
        return equals + 1 + pair[(equals + 1)..].IndexOf(placeholder, StringComparison.Ordinal);
    }
}
