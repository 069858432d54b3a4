namespace Moat.Cedar;

/// <summary>A token: its kind and where it stands. Its text is <c>source[token.Span]</c>.</summary>
internal readonly record struct Token(TokenKind Kind, SourceSpan Span);
