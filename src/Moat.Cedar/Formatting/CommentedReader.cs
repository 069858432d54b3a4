namespace Moat.Cedar;

/// <summary>Walks over the tokens of a text that is in order, and lays each out with its comments.</summary>
internal sealed class CommentedReader(List<CommentedToken> tokens)
{
    private readonly List<string> left = [];
    private int at;

    public CommentedToken Current => tokens[at];

    public bool AtEnd => Current.Kind == TokenKind.EndOfFile;

    public bool Is(TokenKind kind) => Current.Kind == kind;

    public bool IsWord(string word) => Current.Kind == TokenKind.Identifier && Current.Text == word;

    public TokenKind Peek() => tokens[Math.Min(at + 1, tokens.Count - 1)].Kind;

    /// <summary>The comments before the current token, which are then not laid out with it.</summary>
    public Layout TakeBefore()
    {
        var before = Before([.. left, .. Current.Before]);
        left.Clear();
        tokens[at] = Current with { Before = [] };
        return before;
    }

    /// <summary>Lays out the current token with its comments.</summary>
    /// <param name="otherwise">What stands behind it when no comment does.</param>
    public Layout Next(Layout? otherwise = null) => Layout.Join(TakeBefore(), TakeText(otherwise));

    /// <summary>Lays out the current token's text and the comment behind it, or what stands there when there is none.</summary>
    public Layout TakeText(Layout? otherwise = null)
    {
        var token = tokens[at++];
        return Layout.Join(Layout.Word(token.Text), Behind(token, otherwise ?? Layout.None));
    }

    /// <summary>Leaves out a comma that no layout has; its comments go to the next token.</summary>
    public void SkipComma()
    {
        if (!Is(TokenKind.Comma)) return;
        var comma = tokens[at++];
        left.AddRange(comma.Before);
        if (comma.After is not null) left.Add(comma.After);
    }

    /// <summary>The comment behind a token, or what stands there when there is none.</summary>
    public static Layout Behind(CommentedToken token, Layout otherwise) =>
        token.After is null ? otherwise : Layout.Join(Layout.Space, Layout.Word(token.After), Layout.HardLine);

    private static Layout Before(IReadOnlyList<string> comments)
    {
        if (comments.Count == 0) return Layout.None;
        var lines = new List<Layout> { Layout.HardLine };
        foreach (var comment in comments)
        {
            lines.Add(Layout.Word(comment));
            lines.Add(Layout.HardLine);
        }

        return Layout.Join(lines);
    }
}
