using Moat.Credentials;

namespace Moat.Gateway.Injections;

/// <summary>A segment of the path that is a prefix and the placeholder (<c>/bot123:AA…/getMe</c>).</summary>
internal static class PathSlot
{
    /// <summary>How many segments are the placeholder behind its prefix.</summary>
    public static int Count(string target, string prefix, string placeholder)
    {
        var count = 0;
        foreach (var range in PathOf(target).Split('/'))
        {
            if (FindIn(target.AsSpan()[range], prefix, placeholder) >= 0)
                count++;
        }
        return count;
    }

    /// <summary>The target with the placeholder replaced; nothing else of it changes.</summary>
    /// <param name="value">Holds nothing that a path would need escaped (checked when it was granted).</param>
    public static string Replace(string target, string prefix, string placeholder, string value)
    {
        foreach (var range in PathOf(target).Split('/'))
        {
            var (offset, length) = range.GetOffsetAndLength(target.Length);
            var at = FindIn(target.AsSpan(offset, length), prefix, placeholder);
            if (at >= 0)
                return string.Concat(target.AsSpan(0, offset + at), value, target.AsSpan(offset + length));
        }
        return target;
    }

    private static ReadOnlySpan<char> PathOf(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target.AsSpan(0, query);
    }

    /// <summary>Where the placeholder begins in the segment, escaped or not; -1 when the segment is another.</summary>
    private static int FindIn(ReadOnlySpan<char> segment, string prefix, string placeholder)
    {
        if (!segment.Contains('%'))
            return Fits(segment, prefix, placeholder) ? segment.Length - placeholder.Length : -1;
        // Only the placeholder's own characters may be escaped; how long its spelling is, its length tells.
        var text = Uri.UnescapeDataString(segment.ToString());
        if (!Fits(text, prefix, placeholder))
            return -1;
        var at = 0;
        for (var plain = 0; plain < text.Length - placeholder.Length; plain++)
        {
            if (segment[at] != text[plain])
                return -1;
            at++;
        }
        return at;
    }

    private static bool Fits(ReadOnlySpan<char> segment, string prefix, string placeholder) =>
        segment.EndsWith(placeholder, StringComparison.Ordinal)
        && (prefix == InjectionBinding.AnyPrefix || segment[..^placeholder.Length].SequenceEqual(prefix));
}
