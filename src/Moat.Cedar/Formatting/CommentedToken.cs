namespace Moat.Cedar;

/// <summary>A token with the comments around it.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Text">As it is written, numbers without zeros before them.</param>
/// <param name="Before">The comments on lines of their own before it.</param>
/// <param name="After">The comment behind it on its line, or null.</param>
internal sealed record CommentedToken(TokenKind Kind, string Text, IReadOnlyList<string> Before, string? After)
{
    /// <summary>All tokens of a text that is in order, the end of the text as the last, before which the file's last comments stand.</summary>
    public static List<CommentedToken> Read(SourceText source)
    {
        var tokens = Lexer.Read(source, []);
        var commented = new List<CommentedToken>(tokens.Count);

        // What stands behind a token on its line belongs to it, and what follows on further lines to the next.
        List<string> before = Comments(source.Text.AsSpan(0, tokens[0].Span.Start));
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i];
            var gap = i + 1 < tokens.Count ? source.Text.AsSpan(token.Span.End, tokens[i + 1].Span.Start - token.Span.End) : default;
            var end = gap.IndexOf('\n');
            var behind = Comments(end < 0 ? gap : gap[..end]);
            var next = Comments(end < 0 ? default : gap[(end + 1)..]);
            var text = source[token.Span];
            if (token.Kind == TokenKind.Integer) text = text.TrimStart('0') is { IsEmpty: false } digits ? digits : "0";
            commented.Add(new CommentedToken(token.Kind, text.ToString(), before, behind.Count == 0 ? null : behind[0]));

            // A carriage return alone ends a comment too.
            before = [.. behind.Skip(1), .. next];
        }

        return commented;
    }

    private static List<string> Comments(ReadOnlySpan<char> gap)
    {
        var comments = new List<string>();
        while (gap.IndexOf("//") is var start and >= 0)
        {
            gap = gap[start..];
            var end = gap.IndexOfAny('\n', '\r');
            comments.Add((end < 0 ? gap : gap[..end]).Trim().ToString());
            gap = end < 0 ? default : gap[end..];
        }

        return comments;
    }
}
