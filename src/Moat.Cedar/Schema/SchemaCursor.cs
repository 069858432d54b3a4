using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Walks over the tokens of a schema of the Cedar form and reports what it does not find there.</summary>
internal sealed class SchemaCursor
{
    private readonly SourceText source;
    private readonly List<Token> tokens;
    private readonly ICollection<Diagnostic> diagnostics;
    private int at;

    public SchemaCursor(SourceText source, ICollection<Diagnostic> diagnostics)
    {
        this.source = source;
        this.diagnostics = diagnostics;
        var lexical = new List<Diagnostic>();
        tokens = Lexer.Read(source, lexical);
        foreach (var diagnostic in lexical) diagnostics.Add(diagnostic);
        HasFailed = lexical.Count > 0;
    }

    /// <summary>Whether an error was reported.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>The index of the next token.</summary>
    public int Index => at;

    public Token Next => tokens[at];

    /// <summary>The span of the last token that was taken.</summary>
    public SourceSpan Last => at == 0 ? default : tokens[at - 1].Span;

    public bool AtEnd => Next.Kind == TokenKind.EndOfFile;

    public bool Is(TokenKind kind) => Next.Kind == kind;

    public bool IsWord(string word) => Next.Kind == TokenKind.Identifier && source[Next.Span].SequenceEqual(word);

    public Token Take()
    {
        var token = tokens[at];
        if (token.Kind != TokenKind.EndOfFile) at++;
        return token;
    }

    public bool TryTake(TokenKind kind)
    {
        if (Next.Kind != kind) return false;
        at++;
        return true;
    }

    public bool TryTakeWord(string word)
    {
        if (!IsWord(word)) return false;
        at++;
        return true;
    }

    /// <summary>Takes a token of that kind, or reports that it is missing.</summary>
    public bool Expect(TokenKind kind, string shown)
    {
        if (TryTake(kind)) return true;
        Unexpected(shown);
        return false;
    }

    /// <summary>Reports that the next token is not what could stand here.</summary>
    public void Unexpected(params IReadOnlyList<string> expected)
    {
        HasFailed = true;

        // The lexer has spoken of this one already.
        if (Is(TokenKind.Invalid)) return;
        var message = AtEnd ? "the schema ends here" : $"unexpected {Shown(Next)}";
        diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, message) { Source = source, Span = Next.Span, Expected = expected });
    }

    public void Error(SourceSpan span, string message, string? help = null)
    {
        HasFailed = true;
        diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, message) { Source = source, Span = span, Help = help });
    }

    public void Warn(SourceSpan span, string message, string? help = null) =>
        diagnostics.Add(new Diagnostic(DiagnosticSeverity.Warning, message) { Source = source, Span = span, Help = help });

    public string Text(SourceSpan span) => source[span].ToString();

    /// <summary>An identifier that may name something; null, and reported, for a reserved word or another token.</summary>
    public string? Identifier(string shown)
    {
        if (!Is(TokenKind.Identifier))
        {
            Unexpected(shown);
            return null;
        }

        var token = Take();
        var word = Text(token.Span);

        // __cedar is fine here: a path may begin with it. Who declares a name refuses it.
        if (word == CedarName.ReservedNamespace || !CedarName.IsReserved(word)) return word;
        Error(token.Span, $"`{word}` is a reserved word");
        return null;
    }

    /// <summary>A string literal, escapes resolved; null, and reported, for another token.</summary>
    public string? String(string shown)
    {
        if (!Is(TokenKind.String))
        {
            Unexpected(shown);
            return null;
        }

        var span = Take().Span;
        return CedarString.Unescape(source[new SourceSpan(span.Start + 1, span.End - 1)], (index, length, message) =>
            Error(new SourceSpan(span.Start + 1 + index, span.Start + 1 + index + length), message));
    }

    /// <summary>An identifier or a string literal.</summary>
    public string? NameOrString(params IReadOnlyList<string> expected)
    {
        if (Is(TokenKind.String)) return String("a string");
        if (Is(TokenKind.Identifier)) return Identifier("a name");
        Unexpected(expected);
        return null;
    }

    /// <summary>Identifiers joined by <c>::</c>. Stops before a <c>::</c> that a string follows.</summary>
    public SchemaName? Path(string shown)
    {
        var start = Next.Span;
        if (Identifier(shown) is not { } name) return null;
        while (Is(TokenKind.DoubleColon) && tokens[at + 1].Kind != TokenKind.String)
        {
            at++;
            if (Identifier("a name") is not { } part) return null;
            name = $"{name}::{part}";
        }

        return new SchemaName(name, start.To(Last));
    }

    /// <summary>The annotations that stand here; null, and reported, when one is malformed or given twice.</summary>
    public ImmutableArray<Annotation>? Annotations()
    {
        if (!Is(TokenKind.At)) return [];
        var annotations = ImmutableArray.CreateBuilder<Annotation>();
        while (Is(TokenKind.At))
        {
            var start = Take().Span;
            if (!Is(TokenKind.Identifier))
            {
                Unexpected("the annotation's name");
                return null;
            }

            var name = Text(Take().Span);

            // Cedar takes a missing value as an empty one.
            var value = "";
            if (TryTake(TokenKind.OpenParenthesis))
            {
                if (String("a string") is not { } text || !Expect(TokenKind.CloseParenthesis, "`)`")) return null;
                value = text;
            }

            var span = start.To(Last);
            foreach (var other in annotations)
            {
                if (other.Name == name) Error(span, $"the annotation @{name} is given twice");
            }

            annotations.Add(new Annotation(name, value, span));
        }

        return annotations.ToImmutable();
    }

    /// <summary>
    /// After an error in a declaration that began at an index: skips to where the next one can begin, which is behind a
    /// <c>;</c>, since none stands inside a declaration, or before a closing brace that the declaration has not opened.
    /// </summary>
    public void Recover(int start)
    {
        var depth = 0;
        for (var i = start; !AtEnd; i++)
        {
            var behind = i < at;
            var kind = tokens[i].Kind;
            if (kind == TokenKind.OpenBrace) depth++;
            else if (kind == TokenKind.CloseBrace && depth > 0) depth--;
            else if (kind == TokenKind.CloseBrace && !behind) return;
            if (behind) continue;
            at++;
            if (kind == TokenKind.Semicolon) return;
        }
    }

    private string Shown(Token token) => token.Kind == TokenKind.String || token.Span.Length > 40 ? "token" : $"`{Text(token.Span)}`";
}
