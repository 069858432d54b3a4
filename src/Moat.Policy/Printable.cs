using System.Globalization;
using System.Text;

namespace Moat.Policy;

/// <summary>Makes a text from outside safe to show: control, format and bidirectional characters become escapes.</summary>
internal static class Printable
{
    public static string Text(string text)
    {
        if (System.Text.Ascii.IsValid(text) && !text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.Contains('\x7f')) return text;
        var builder = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            if (CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                builder.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else builder.Append(c);
        }

        return builder.ToString();
    }
}
