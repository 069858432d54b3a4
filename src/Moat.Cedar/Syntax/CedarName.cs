namespace Moat.Cedar;

/// <summary>What may be a name in Cedar.</summary>
public static class CedarName
{
    /// <summary>Whether the text is an identifier: a letter or underscore, then letters, digits and underscores, ASCII alone. Reserved words count.</summary>
    public static bool IsIdentifier(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || !IsIdentifierStart(text[0])) return false;
        foreach (var c in text[1..])
        {
            if (!IsIdentifierPart(c)) return false;
        }

        return true;
    }

    /// <summary>Whether the word has a meaning of its own, so that it cannot name a variable, a type or an attribute after a dot.</summary>
    public static bool IsReserved(ReadOnlySpan<char> word) =>
        word is "true" or "false" or "if" or "then" or "else" or "in" or "is" or "like" or "has" or ReservedNamespace;

    /// <summary>Whether the text is a name: identifiers that are not reserved, joined by <c>::</c> without blanks.</summary>
    public static bool IsName(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var end = text.IndexOf("::");
            var part = end < 0 ? text : text[..end];
            if (!IsIdentifier(part) || IsReserved(part)) return false;
            if (end < 0) return true;
            text = text[(end + 2)..];
        }
    }

    /// <summary>The namespace of Cedar's own types, which no policy and no schema may declare in.</summary>
    internal const string ReservedNamespace = "__cedar";

    internal static bool IsIdentifierStart(char c) => char.IsAsciiLetter(c) || c == '_';

    internal static bool IsIdentifierPart(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
