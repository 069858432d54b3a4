using System.Globalization;
using System.Text;

namespace Moat.Runs;

/// <summary>Makes a text of the agent's making safe to show: control, format and bidirectional characters become escapes.</summary>
public static class Printable
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

    /// <summary>The same, cut to a number of characters with an ellipsis.</summary>
    public static string Text(string text, int limit)
    {
        var safe = Text(text);
        return safe.Length <= limit ? safe : safe[..(limit - 1)] + "…";
    }
}
