using System.Diagnostics;
using System.Text;

namespace Moat.Cedar;

/// <summary>
/// Lays out the text of policies as Cedar's own formatter does. Comments stay; the policies stay the same; what has been
/// formatted once stays as it is.
/// </summary>
public static class PolicyFormatter
{
    /// <summary>The columns that lines are fitted into, where words allow it.</summary>
    public const int DefaultWidth = 80;

    /// <summary>The columns by which lines are indented.</summary>
    public const int DefaultIndent = 2;

    // A comment between two operands can move to the line of another token, from where it moves on once more; that ends soon.
    private const int MaxRounds = 8;

    /// <summary>The text, laid out, with a line feed at its end.</summary>
    /// <param name="source">Policies and templates.</param>
    /// <param name="width">The columns that lines are fitted into.</param>
    /// <param name="indent">The columns by which lines are indented.</param>
    /// <exception cref="CedarException">The text is not in order; it holds every error of it.</exception>
    public static string Format(SourceText source, int width = DefaultWidth, int indent = DefaultIndent)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(indent);
        _ = PolicySet.Parse(source);
        var text = Once(source, width, indent);
        for (var round = 1; round < MaxRounds; round++)
        {
            var next = Once(new SourceText(text), width, indent);
            if (next == text) break;
            text = next;
        }

        return Same(source, text) ? text : throw new UnreachableException("the formatter would have changed a policy");
    }

    private static string Once(SourceText source, int width, int indent)
    {
        var reader = new CommentedReader(CommentedToken.Read(source));
        var layout = new PolicyLayout(reader, indent);
        var text = new StringBuilder();
        while (!reader.AtEnd)
        {
            if (text.Length > 0) text.Append("\n\n");
            text.Append(BlankLines.Remove(LayoutWriter.Write(layout.Policy(), width)));
        }

        if (text.Length > 0) text.Append('\n');
        foreach (var comment in reader.Current.Before) text.Append(comment).Append('\n');
        return text.ToString();
    }

    // By their tokens and their comments: the layout moves them and drops commas before closing brackets, and numbers lose
    // zeros; nothing else.
    private static bool Same(SourceText source, string text)
    {
        var before = CommentedToken.Read(source);
        var after = CommentedToken.Read(new SourceText(text));
        return Tokens(before).SequenceEqual(Tokens(after)) && Comments(before).SequenceEqual(Comments(after));
    }

    private static IEnumerable<(TokenKind, string)> Tokens(List<CommentedToken> tokens) => tokens
        .Where((token, i) => token.Kind != TokenKind.Comma || tokens[i + 1].Kind is not (TokenKind.CloseParenthesis or TokenKind.CloseBracket or TokenKind.CloseBrace))
        .Select(token => (token.Kind, token.Text));

    private static IEnumerable<string> Comments(List<CommentedToken> tokens) =>
        tokens.SelectMany(token => token.After is null ? token.Before : [.. token.Before, token.After]);
}
