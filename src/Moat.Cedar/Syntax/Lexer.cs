namespace Moat.Cedar;

/// <summary>
/// Cuts a text into tokens. Comments (<c>//</c> to the end of the line) and white space are skipped here; the formatter
/// finds them again in the gaps between the spans.
/// </summary>
internal sealed class Lexer
{
    private readonly SourceText source;
    private readonly string text;
    private readonly List<Diagnostic> diagnostics;
    private int at;

    private Lexer(SourceText source, List<Diagnostic> diagnostics)
    {
        this.source = source;
        text = source.Text;
        this.diagnostics = diagnostics;
    }

    /// <summary>All tokens, with <see cref="TokenKind.EndOfFile"/> as the last; what begins no token is reported and kept as <see cref="TokenKind.Invalid"/>.</summary>
    public static List<Token> Read(SourceText source, List<Diagnostic> diagnostics)
    {
        var lexer = new Lexer(source, diagnostics);
        var tokens = new List<Token>(source.Text.Length / 4 + 1);
        do tokens.Add(lexer.Next()); while (tokens[^1].Kind != TokenKind.EndOfFile);
        return tokens;
    }

    private Token Next()
    {
        SkipBlank();
        var start = at;
        if (at == text.Length) return new Token(TokenKind.EndOfFile, new SourceSpan(start, start));
        var kind = Cut();
        return new Token(kind, new SourceSpan(start, at));
    }

    private void SkipBlank()
    {
        while (at < text.Length)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
            }
            else if (text[at] == '/' && Peek(1) == '/')
            {
                var end = text.AsSpan(at).IndexOfAny('\n', '\r');
                at = end < 0 ? text.Length : at + end;
            }
            else
            {
                return;
            }
        }
    }

    private TokenKind Cut()
    {
        var first = text[at];
        if (CedarName.IsIdentifierStart(first)) return Word(TokenKind.Identifier, 0);
        if (char.IsAsciiDigit(first)) return Digits();
        return first switch
        {
            '"' => String(),
            '?' => CedarName.IsIdentifierStart(Peek(1)) ? Word(TokenKind.Slot, 1) : Take(1, TokenKind.QuestionMark),
            '@' => Take(1, TokenKind.At),
            '.' => Take(1, TokenKind.Dot),
            ',' => Take(1, TokenKind.Comma),
            ';' => Take(1, TokenKind.Semicolon),
            ':' => Peek(1) == ':' ? Take(2, TokenKind.DoubleColon) : Take(1, TokenKind.Colon),
            '(' => Take(1, TokenKind.OpenParenthesis),
            ')' => Take(1, TokenKind.CloseParenthesis),
            '{' => Take(1, TokenKind.OpenBrace),
            '}' => Take(1, TokenKind.CloseBrace),
            '[' => Take(1, TokenKind.OpenBracket),
            ']' => Take(1, TokenKind.CloseBracket),
            '=' => Peek(1) == '=' ? Take(2, TokenKind.Equal) : Take(1, TokenKind.Assign),
            '!' => Peek(1) == '=' ? Take(2, TokenKind.NotEqual) : Take(1, TokenKind.Not),
            '<' => Peek(1) == '=' ? Take(2, TokenKind.LessOrEqual) : Take(1, TokenKind.Less),
            '>' => Peek(1) == '=' ? Take(2, TokenKind.GreaterOrEqual) : Take(1, TokenKind.Greater),
            '|' when Peek(1) == '|' => Take(2, TokenKind.Or),
            '&' when Peek(1) == '&' => Take(2, TokenKind.And),
            '+' => Take(1, TokenKind.Plus),
            '-' => Take(1, TokenKind.Minus),
            '*' => Take(1, TokenKind.Star),
            '/' => Take(1, TokenKind.Slash),
            '%' => Take(1, TokenKind.Percent),
            _ => Invalid(),
        };
    }

    private char Peek(int ahead) => at + ahead < text.Length ? text[at + ahead] : '\0';

    private TokenKind Take(int length, TokenKind kind)
    {
        at += length;
        return kind;
    }

    private TokenKind Word(TokenKind kind, int prefix)
    {
        at += prefix;
        while (at < text.Length && CedarName.IsIdentifierPart(text[at])) at++;
        return kind;
    }

    private TokenKind Digits()
    {
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return TokenKind.Integer;
    }

    // A string may span lines; a backslash before a line feed is no escape and opens nothing.
    private TokenKind String()
    {
        var start = at++;
        while (at < text.Length)
        {
            switch (text[at])
            {
                case '"':
                    at++;
                    return TokenKind.String;
                case '\\' when Peek(1) is not '\n' && at + 1 < text.Length:
                    at += 2;
                    break;
                case '\\':
                    at++;
                    Report(start, "a backslash stands before the end of the line", "write \\n for a line feed");
                    return SkipToQuote();
                default:
                    at++;
                    break;
            }
        }

        Report(start, "the string is never closed", "add a closing \"");
        return TokenKind.Invalid;
    }

    private TokenKind SkipToQuote()
    {
        var end = text.IndexOf('"', at);
        at = end < 0 ? text.Length : end + 1;
        return TokenKind.Invalid;
    }

    private TokenKind Invalid()
    {
        var start = at;
        at += char.IsHighSurrogate(text[at]) && char.IsLowSurrogate(Peek(1)) ? 2 : 1;
        var shown = text[start] is '|' or '&' ? $"`{text[start]}` alone is no operator" : "this character begins no token";
        Report(start, shown, text[start] is '|' or '&' ? $"write {text[start]}{text[start]}" : null);
        return TokenKind.Invalid;
    }

    private void Report(int start, string message, string? help) => diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, message)
    {
        Source = source,
        Span = new SourceSpan(start, at),
        Help = help,
    });
}
