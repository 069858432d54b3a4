namespace Moat.Cedar;

/// <summary>Walks over the tokens of a text and gathers what is wrong with them.</summary>
internal sealed class TokenReader
{
    private readonly List<Token> tokens;
    private int at;

    public TokenReader(SourceText source, List<Diagnostic> diagnostics)
    {
        Source = source;
        Diagnostics = diagnostics;
        tokens = Lexer.Read(source, diagnostics);
    }

    public SourceText Source { get; }

    public List<Diagnostic> Diagnostics { get; }

    public Token Current => tokens[at];

    public bool AtEnd => Current.Kind == TokenKind.EndOfFile;

    /// <summary>The span of the token before the current one; the text's start before the first.</summary>
    public SourceSpan Previous => at == 0 ? default : tokens[at - 1].Span;

    public ReadOnlySpan<char> CurrentText => Source[Current.Span];

    public Token Peek(int ahead = 1) => tokens[Math.Min(at + ahead, tokens.Count - 1)];

    /// <summary>The current token, after which the reader stands behind it; the end is never passed.</summary>
    public Token Next()
    {
        var token = Current;
        if (at < tokens.Count - 1) at++;
        return token;
    }

    /// <summary>Whether the current token is the word.</summary>
    public bool IsWord(ReadOnlySpan<char> word) => Current.Kind == TokenKind.Identifier && CurrentText.SequenceEqual(word);

    /// <summary>Steps over a token of the kind, when there is one.</summary>
    public bool Accept(TokenKind kind)
    {
        if (Current.Kind != kind) return false;
        Next();
        return true;
    }

    /// <summary>Steps over the word, when it stands here.</summary>
    public bool AcceptWord(ReadOnlySpan<char> word)
    {
        if (!IsWord(word)) return false;
        Next();
        return true;
    }

    /// <summary>Steps over a token of the kind, or says what was expected.</summary>
    public bool Expect(TokenKind kind, params ReadOnlySpan<string> expected)
    {
        if (Accept(kind)) return true;
        Unexpected(expected);
        return false;
    }

    /// <summary>Reports the current token as one that cannot stand here.</summary>
    public void Unexpected(params ReadOnlySpan<string> expected)
    {
        // The lexer has reported a token that is none; a second message about it would say nothing.
        if (Current.Kind == TokenKind.Invalid) return;
        var message = AtEnd ? "the text ends too early" : $"`{CurrentText}` cannot stand here";
        Diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, message)
        {
            Source = Source,
            Span = Current.Span,
            Expected = [.. expected],
        });
    }

    /// <summary>Reports an error about a span.</summary>
    public void Error(SourceSpan span, string message, string? help = null) => Diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, message)
    {
        Source = Source,
        Span = span,
        Help = help,
    });

    /// <summary>The text of a string token, its escapes resolved and the bad ones reported.</summary>
    public string ReadString(Token token)
    {
        var body = token.Span with { Start = token.Span.Start + 1, End = token.Span.End - 1 };
        return CedarString.Unescape(Source[body], (index, length, message) => BadEscape(body, index, length, message));
    }

    /// <summary>The pattern of a string token, bad escapes reported.</summary>
    public LikePattern ReadPattern(Token token)
    {
        var body = token.Span with { Start = token.Span.Start + 1, End = token.Span.End - 1 };
        return CedarString.Pattern(Source[body], (index, length, message) => BadEscape(body, index, length, message));
    }

    /// <summary>Whether an identifier that the grammar takes here is a reserved word, which is reported.</summary>
    public bool ReportReserved(Token token)
    {
        if (!CedarName.IsReserved(Source[token.Span])) return false;
        Error(token.Span, $"`{Source[token.Span]}` is a reserved word and names nothing");
        return true;
    }

    private void BadEscape(SourceSpan body, int index, int length, string message) =>
        Error(new SourceSpan(body.Start + index, body.Start + index + length), message);
}
