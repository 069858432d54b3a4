namespace Moat.Gateway.Injections;

/// <summary>
/// <c>name=value</c> pairs with percent and plus escapes: the query of a target, and the body of an HTML form. Only a value
/// that is the placeholder, whole, of the parameter with this very name counts.
/// </summary>
internal static class QuerySlot
{
    /// <summary>How often a target's query gives the parameter the placeholder as its value.</summary>
    public static int Count(string target, string name, string placeholder)
    {
        var start = target.IndexOf('?', StringComparison.Ordinal);
        return start < 0 ? 0 : CountPairs(target.AsSpan(start + 1), name, placeholder);
    }

    /// <summary>The target with the placeholder replaced; nothing else of it changes.</summary>
    public static string Replace(string target, string name, string placeholder, string value)
    {
        var start = target.IndexOf('?', StringComparison.Ordinal) + 1;
        return string.Concat(target.AsSpan(0, start), ReplaceInPairs(target[start..], name, placeholder, value));
    }

    public static int CountPairs(ReadOnlySpan<char> pairs, string name, string placeholder)
    {
        var count = 0;
        foreach (var range in pairs.Split('&'))
        {
            if (Find(pairs[range], name, placeholder) >= 0)
                count++;
        }
        return count;
    }

    public static string ReplaceInPairs(string pairs, string name, string placeholder, string value)
    {
        foreach (var range in pairs.AsSpan().Split('&'))
        {
            var (offset, length) = range.GetOffsetAndLength(pairs.Length);
            var at = Find(pairs.AsSpan(offset, length), name, placeholder);
            if (at >= 0)
                return string.Concat(pairs.AsSpan(0, offset + at), Uri.EscapeDataString(value), pairs.AsSpan(offset + length));
        }
        return pairs;
    }

    /// <summary>Where the value of a pair begins, when it is the placeholder of this name; else -1.</summary>
    private static int Find(ReadOnlySpan<char> pair, string name, string placeholder)
    {
        var equals = pair.IndexOf('=');
        return equals >= 0 && Is(pair[..equals], name) && Is(pair[(equals + 1)..], placeholder) ? equals + 1 : -1;
    }

    private static bool Is(ReadOnlySpan<char> escaped, string text)
    {
        if (!escaped.ContainsAny('%', '+'))
            return escaped.SequenceEqual(text);
        return Uri.UnescapeDataString(escaped.ToString().Replace('+', ' ')).Equals(text, StringComparison.Ordinal);
    }
}
