namespace Moat.Configuration;

/// <summary>Text of a file on its way to a terminal.</summary>
internal static class Text
{
    private const int MaxShown = 80;

    /// <summary>Without control characters, cut to a line's part: a file must not write to the terminal by an error.</summary>
    public static string Printable(string text)
        => text.Length > MaxShown ? Long(text[..MaxShown]) + "…" : Long(text);

    /// <summary>Without control and direction characters, in its whole length.</summary>
    public static string Long(string text) => string.Concat(text.Select(c => IsUnsafe(c) ? '?' : c));

    private static bool IsUnsafe(char c)
        => char.IsControl(c) || char.IsSurrogate(c) || c is >= '\u200b' and <= '\u200f' or >= '\u2028' and <= '\u202e' or >= '\u2066' and <= '\u2069' or '\ufeff';

    /// <summary>The value in quotes, or "the value" when it could hold a credential (a URL, a user).</summary>
    public static string Quoted(string text)
        => text.Contains('@', StringComparison.Ordinal) || text.Contains("//", StringComparison.Ordinal) ? "the value" : $"\"{Printable(text)}\"";

    /// <summary>The known word nearest to a mistyped one, if it is near; by edit distance with transpositions.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length > 40) return null;
        var lower = word.ToLowerInvariant().Replace('-', '_');
        return known.Select(k => (Word: k, Distance: Distance(lower, k.Replace('-', '_'))))
            .Where(c => c.Distance <= Math.Max(1, Math.Min(3, c.Word.Length / 3)))
            .OrderBy(c => c.Distance).Select(c => c.Word).FirstOrDefault();
    }

    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[a.Length, b.Length];
    }
}
