using System.Text;

namespace Moat.Cedar;

/// <summary>Removes the blank lines of a policy, those in strings excepted, which the layout of comments has left.</summary>
internal static class BlankLines
{
    public static string Remove(string text)
    {
        var kept = new StringBuilder(text.Length);
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var start = NextWhole(rest);
            Append(kept, rest[..start]);
            var length = WholeLength(rest[start..]);
            kept.Append(rest.Slice(start, length));
            rest = rest[(start + length)..];
        }

        return kept.ToString().Trim();
    }

    // Where the next string or comment begins.
    private static int NextWhole(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' || (text[i] == '/' && i + 1 < text.Length && text[i + 1] == '/')) return i;
        }

        return text.Length;
    }

    private static int WholeLength(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return 0;
        if (text[0] == '/') return text.IndexOfAny('\n', '\r') is var end and >= 0 ? end : text.Length;
        var at = 1;
        while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        return at + 1;
    }

    // The first line goes on from what stood before, and the last one goes on in what comes after.
    private static void Append(StringBuilder kept, ReadOnlySpan<char> text)
    {
        for (var first = true; text.IndexOf('\n') is var end and >= 0; first = false)
        {
            var line = text[..end].TrimEnd();
            if (first || line.Length > 0) kept.Append(line).Append('\n');
            text = text[(end + 1)..];
        }

        kept.Append(text);
    }
}
