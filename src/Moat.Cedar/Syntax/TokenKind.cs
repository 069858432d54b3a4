namespace Moat.Cedar;

/// <summary>The kinds of tokens in policies and in schemas of the Cedar form.</summary>
internal enum TokenKind : byte
{
    EndOfFile,

    /// <summary>An identifier; reserved words too, since most of them are names somewhere in the grammar.</summary>
    Identifier,

    /// <summary><c>?name</c>.</summary>
    Slot,
    Integer,

    /// <summary>A string with its quotes, escapes unread.</summary>
    String,
    At,
    Dot,
    Comma,
    Semicolon,
    Colon,
    DoubleColon,
    OpenParenthesis,
    CloseParenthesis,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    QuestionMark,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Or,
    And,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Not,
    Assign,

    /// <summary>Characters that begin no token, an open string among them; the lexer has reported them.</summary>
    Invalid,
}
