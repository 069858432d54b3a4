using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Moat.Runs;

/// <summary>Makes a text of the agent's making safe to show: control, format and bidirectional characters become escapes.</summary>
public static partial class Printable
{
    public static string Text(string text)
    {
        if (Ascii.IsValid(text) && !text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.Contains('\x7f')) return text;
        var builder = new StringBuilder(text.Length + 8);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned)
                builder.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            else builder.Append(rune);
        }

        return builder.ToString();
    }

    /// <summary>
    /// A line that was printed for a terminal, for reading afterwards: colours and titles (CSI and OSC sequences, ECMA-48
    /// sections 5.4 and 5.6) are left out, tabs become four spaces, and what remains is made safe.
    /// </summary>
    public static string Line(string text) => Text(Sequences().Replace(text, "").Replace("\t", "    ", StringComparison.Ordinal));

    /// <summary>Each line made safe by itself: a text of Moat's own that quotes others.</summary>
    public static string Lines(string text) => string.Join('\n', text.Split('\n').Select(line => Text(line)));

    /// <summary>The same, cut to a number of characters with an ellipsis.</summary>
    public static string Text(string text, int limit)
    {
        var safe = Text(text);
        return safe.Length <= limit ? safe : safe[..(limit - 1)] + "…";
    }

    // Linear: neither part can begin inside the other, and the strings of an OSC end at the next escape.
    [GeneratedRegex("\\x1b\\[[0-?]*[ -/]*[@-~]|\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)", RegexOptions.CultureInvariant)]
    private static partial Regex Sequences();
}
