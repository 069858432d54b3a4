namespace Moat.Cedar;

/// <summary>Lays out policies: their annotations, their scope and their conditions.</summary>
internal sealed class PolicyLayout(CommentedReader reader, int indent)
{
    private readonly ExpressionLayout expressions = new(reader, indent);

    public Layout Policy()
    {
        var parts = new List<Layout>();
        while (reader.Is(TokenKind.At)) parts.Add(Annotation());
        parts.Add(reader.TakeBefore());
        parts.Add(Layout.Group(reader.TakeText(), Layout.Line, reader.Next()));
        parts.Add(Scope());
        parts.Add(reader.Next(reader.Peek() == TokenKind.Semicolon ? Layout.None : Layout.HardLine));
        var first = true;
        while (!reader.Is(TokenKind.Semicolon))
        {
            if (!first) parts.Add(Layout.HardLine);
            first = false;
            parts.Add(Condition());
        }

        parts.Add(reader.Next());
        return Layout.Join(parts);
    }

    private Layout Annotation()
    {
        var at = reader.Next();
        var name = reader.Next();
        if (!reader.Is(TokenKind.OpenParenthesis)) return Layout.Join(at, name, Layout.HardLine);
        return Layout.Join(at, name, reader.Next(), reader.Next(), reader.Next(Layout.HardLine));
    }

    private Layout Scope()
    {
        var parts = new List<Layout>();
        var commas = new List<(int At, CommentedToken Token)>();
        var simple = true;
        while (!reader.Is(TokenKind.CloseParenthesis))
        {
            parts.Add(Variable(ref simple));
            if (commas.Count == 2)
            {
                reader.SkipComma();
                continue;
            }

            // What stands behind a comma is not known before the last variable is.
            parts.Add(reader.TakeBefore());
            commas.Add((parts.Count, reader.Current));
            parts.Add(reader.TakeText());
        }

        foreach (var (at, comma) in commas) parts[at] = Layout.Join(Layout.Word(comma.Text), CommentedReader.Behind(comma, simple ? Layout.Space : Layout.HardLine));
        return simple
            ? Layout.Group(Layout.Indent(indent, parts))
            : Layout.Join(Layout.Indent(indent, [Layout.HardLine, .. parts]), Layout.HardLine);
    }

    private Layout Variable(ref bool simple)
    {
        var before = reader.TakeBefore();
        var variable = reader.TakeText();
        var type = Layout.None;
        if (reader.IsWord("is"))
        {
            simple = false;
            type = Layout.Group(Layout.Indent(indent, Layout.Group(Layout.Line, reader.Next()), Layout.Line, expressions.Sum()));
        }

        if (!reader.IsWord("in") && !reader.Is(TokenKind.Equal)) return Layout.Join(before, variable, type);
        simple = false;
        var head = Layout.Group(variable, type, Layout.Line, reader.Next());
        return Layout.Join(before, Layout.Group(head, Layout.Indent(indent, Layout.Line, expressions.Expression())));
    }

    private Layout Condition()
    {
        var before = reader.TakeBefore();
        var word = reader.TakeText(Layout.Line);
        var beforeBrace = reader.TakeBefore();
        var brace = reader.Current;
        reader.TakeText();
        var afterBrace = CommentedReader.Behind(brace, Layout.Line);
        var beforeBody = reader.TakeBefore();
        var body = Layout.Group(expressions.Expression());
        var inside = Layout.Group(Layout.Indent(indent, afterBrace, beforeBody, body), Layout.Line, reader.Next());
        return Layout.Join(before, Layout.Group(word, beforeBrace, Layout.Word(brace.Text), inside));
    }
}
