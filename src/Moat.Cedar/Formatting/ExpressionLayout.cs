namespace Moat.Cedar;

/// <summary>Lays out expressions. The text is in order, so each token is where it belongs.</summary>
internal sealed class ExpressionLayout(CommentedReader reader, int indent)
{
    public Layout Expression()
    {
        if (!reader.IsWord("if") || reader.Peek() == TokenKind.DoubleColon) return Chain(TokenKind.Or, () => Chain(TokenKind.And, Relation));
        return Layout.Group(Branch(), Layout.Line, Branch(), Layout.Line, Branch());

        Layout Branch() => Layout.Join(reader.Next(), Layout.Indent(indent, Layout.Line, Expression()));
    }

    /// <summary>What binds closer than comparisons.</summary>
    public Layout Sum() => Arithmetic([TokenKind.Plus, TokenKind.Minus], () => Arithmetic([TokenKind.Star], Unary));

    // The operators stand at the ends of lines. There is no group here: a condition that does not fit has one operand a line.
    private Layout Chain(TokenKind symbol, Func<Layout> operand)
    {
        var parts = new List<Layout> { operand() };
        while (reader.Is(symbol))
        {
            parts.Add(Layout.Space);
            parts.Add(reader.Next(Layout.Line));
            parts.Add(operand());
        }

        return Layout.Join(parts);
    }

    private Layout Arithmetic(TokenKind[] symbols, Func<Layout> operand)
    {
        var parts = new List<Layout> { operand() };
        while (symbols.Contains(reader.Current.Kind))
        {
            parts.Add(Layout.Space);
            parts.Add(reader.Next());
            parts.Add(Layout.Line);
            parts.Add(operand());
        }

        return Layout.Group(parts);
    }

    private Layout Relation()
    {
        var left = Sum();
        if (reader.IsWord("has") || reader.IsWord("like"))
        {
            return Layout.Group(left, Layout.Line, reader.Next(), Layout.Line, Layout.Indent(indent, Sum()));
        }

        if (reader.IsWord("is"))
        {
            var typed = Layout.Join(left, Layout.Space, reader.Next(), Layout.Space, Layout.Indent(indent, Sum()));
            return reader.IsWord("in") ? Layout.Group(typed, Layout.Line, reader.Next(), Layout.Space, Layout.Indent(indent, Sum())) : Layout.Group(typed);
        }

        var compares = reader.IsWord("in") || reader.Current.Kind is TokenKind.Equal or TokenKind.NotEqual or TokenKind.Less
            or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual;
        return compares ? Layout.Join(left, Layout.Space, reader.Next(), Layout.Space, Sum()) : left;
    }

    private Layout Unary()
    {
        var parts = new List<Layout>();
        while (reader.Current.Kind is TokenKind.Not or TokenKind.Minus) parts.Add(reader.Next());
        parts.Add(Member());
        return Layout.Join(parts);
    }

    private Layout Member()
    {
        var target = Primary();
        var accesses = new List<Layout>();
        while (reader.Current.Kind is TokenKind.Dot or TokenKind.OpenParenthesis or TokenKind.OpenBracket)
        {
            if (accesses.Count > 0) accesses.Add(Layout.SoftLine);
            accesses.Add(Access());
        }

        return Layout.Group(target, Layout.Indent(indent, accesses));
    }

    private Layout Access()
    {
        switch (reader.Current.Kind)
        {
            case TokenKind.Dot:
                return Layout.Join(reader.Next(), reader.Next());
            case TokenKind.OpenBracket:
                return Layout.Join(reader.Next(), Expression(), reader.Next());
            default:
                var open = reader.Next();
                if (reader.Is(TokenKind.CloseParenthesis)) return Layout.Join(open, reader.Next());
                var arguments = List(TokenKind.CloseParenthesis, Expression);
                return Layout.Join(open, Layout.Indent(indent, Layout.SoftLine, arguments), Layout.SoftLine, reader.Next());
        }
    }

    private Layout Primary()
    {
        switch (reader.Current.Kind)
        {
            case TokenKind.OpenParenthesis:
                // Lines go on under what follows the parenthesis.
                return Layout.Group(reader.Next(), Layout.Indent(1, Expression()), reader.Next());
            case TokenKind.OpenBracket:
                return Layout.Join(reader.Next(), Layout.Indent(1, List(TokenKind.CloseBracket, Expression)), reader.Next());
            case TokenKind.OpenBrace:
                var open = reader.Next();
                if (reader.Is(TokenKind.CloseBrace)) return Layout.Join(open, reader.Next());
                var fields = Layout.Group(Layout.Line, List(TokenKind.CloseBrace, Field), Layout.Line);
                return Layout.Join(open, Layout.Indent(indent, fields), reader.Next());
            case TokenKind.Identifier:
                return Name();
            default:
                return reader.Next();
        }
    }

    // A name, or an entity when a string follows its last colons.
    private Layout Name()
    {
        var parts = new List<Layout> { reader.Next() };
        while (reader.Is(TokenKind.DoubleColon))
        {
            parts.Add(reader.Next());
            parts.Add(reader.Next());
        }

        return Layout.Join(parts);
    }

    private Layout Field()
    {
        var name = reader.Next();
        return Layout.Join(name, reader.Next(), Layout.Space, Expression());
    }

    private Layout List(TokenKind close, Func<Layout> element)
    {
        var parts = new List<Layout>();
        while (!reader.Is(close))
        {
            parts.Add(element());
            if (!reader.Is(TokenKind.Comma)) break;
            if (reader.Peek() == close)
            {
                reader.SkipComma();
                break;
            }

            parts.Add(reader.Next());
            parts.Add(Layout.Line);
        }

        return Layout.Join(parts);
    }
}
