using System.Globalization;
using System.Text;

namespace Moat.Cedar;

/// <summary>String literals: what their escapes mean, and how a text is written as one.</summary>
internal static class CedarString
{
    /// <summary>Called for each character of the literal, escapes resolved.</summary>
    /// <param name="rune">The character.</param>
    /// <param name="escapedStar">Whether it was written <c>\*</c>, which only patterns allow.</param>
    private delegate void Sink(Rune rune, bool escapedStar);

    /// <summary>Reads a literal's inside.</summary>
    /// <param name="body">What stands between the quotes.</param>
    /// <param name="error">Called with the index in <paramref name="body"/>, the length and the message for each bad escape.</param>
    /// <returns>The text; what was bad is left out.</returns>
    public static string Unescape(ReadOnlySpan<char> body, Action<int, int, string> error)
    {
        if (body.IndexOfAny('\\', '\r') < 0) return body.ToString();
        var text = new StringBuilder(body.Length);
        Read(body, false, (rune, _) => text.Append(rune.ToString()), error);
        return text.ToString();
    }

    /// <summary>Reads the inside of a pattern: <c>*</c> is a wildcard, <c>\*</c> the character.</summary>
    public static LikePattern Pattern(ReadOnlySpan<char> body, Action<int, int, string> error)
    {
        var builder = new LikePattern.Builder();
        Read(body, true, (rune, escaped) =>
        {
            if (rune.Value == '*' && !escaped) builder.AddWildcard();
            else builder.AddText(rune.ToString());
        }, error);
        return builder.Build();
    }

    /// <summary>The text as a literal, quotes included; what does not print is escaped.</summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        AppendEscaped(quoted, text);
        return quoted.Append('"').ToString();
    }

    /// <summary>Appends the text with its escapes, without quotes.</summary>
    public static void AppendEscaped(StringBuilder target, ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '\n' => target.Append("\\n"),
                '\r' => target.Append("\\r"),
                '\t' => target.Append("\\t"),
                '\0' => target.Append("\\0"),
                '"' => target.Append("\\\""),
                '\\' => target.Append("\\\\"),
                _ when Prints(rune) => target.Append(rune.ToString()),
                _ => target.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}"),
            };
        }
    }

    private static bool Prints(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate) && !(Rune.IsWhiteSpace(rune) && rune.Value != ' ');

    private static void Read(ReadOnlySpan<char> body, bool pattern, Sink sink, Action<int, int, string> error)
    {
        var at = 0;
        while (at < body.Length)
        {
            if (body[at] == '\r')
            {
                error(at, 1, "a bare carriage return stands in the string");
                at++;
            }
            else if (body[at] != '\\')
            {
                Rune.DecodeFromUtf16(body[at..], out var rune, out var used);
                sink(rune, false);
                at += used;
            }
            else
            {
                at += Escape(body[at..], at, pattern, sink, error);
            }
        }
    }

    // The length of the escape that the text begins with; the lexer has made sure that something follows the backslash.
    private static int Escape(ReadOnlySpan<char> text, int at, bool pattern, Sink sink, Action<int, int, string> error)
    {
        switch (text[1])
        {
            case 'n': sink(new Rune('\n'), false); return 2;
            case 'r': sink(new Rune('\r'), false); return 2;
            case 't': sink(new Rune('\t'), false); return 2;
            case '0': sink(new Rune('\0'), false); return 2;
            case '\\': sink(new Rune('\\'), false); return 2;
            case '\'': sink(new Rune('\''), false); return 2;
            case '"': sink(new Rune('"'), false); return 2;
            case '*' when pattern: sink(new Rune('*'), true); return 2;
            case 'x': return Hexadecimal(text, at, sink, error);
            case 'u': return Unicode(text, at, sink, error);
            default:
                var length = char.IsHighSurrogate(text[1]) && text.Length > 2 ? 3 : 2;
                error(at, length, "there is no such escape");
                return length;
        }
    }

    private static int Hexadecimal(ReadOnlySpan<char> text, int at, Sink sink, Action<int, int, string> error)
    {
        if (text.Length < 4 || !char.IsAsciiHexDigit(text[2]) || !char.IsAsciiHexDigit(text[3]))
        {
            error(at, Math.Min(4, text.Length), "\\x takes two hexadecimal digits");
            return Math.Min(2, text.Length);
        }

        var value = int.Parse(text[2..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        if (value > 0x7F) error(at, 4, "\\x reaches \\x7F only; write \\u{…}");
        else sink(new Rune(value), false);
        return 4;
    }

    // \u{1F600}: one to six digits; underscores may stand between them, not before.
    private static int Unicode(ReadOnlySpan<char> text, int at, Sink sink, Action<int, int, string> error)
    {
        var close = text.IndexOf('}');
        if (text.Length < 3 || text[2] != '{' || close < 0)
        {
            error(at, 2, "\\u takes its digits in braces, as in \\u{1F600}");
            return 2;
        }

        var digits = text[3..close];
        var value = 0;
        var count = 0;
        foreach (var digit in digits)
        {
            if (digit == '_' && count > 0) continue;
            if (!char.IsAsciiHexDigit(digit) || ++count > 6)
            {
                count = 0;
                break;
            }

            value = value * 16 + Convert.ToInt32(digit.ToString(), 16);
        }

        if (count == 0) error(at, close + 1, "\\u{…} takes one to six hexadecimal digits");
        else if (!Rune.IsValid(value)) error(at, close + 1, "there is no such character in Unicode");
        else sink(new Rune(value), false);
        return close + 1;
    }
}
