using System.Collections.Immutable;
using System.Globalization;

namespace Moat.Cedar;

/// <summary>
/// Reads expressions. A method gives null when the text cannot be read on, which it has reported; what can be read but means
/// nothing is reported too and stands as <c>false</c>, so that one pass finds the other errors of the policy.
/// </summary>
internal sealed partial class ExpressionParser(TokenReader reader)
{
    // Parentheses, brackets and if-then-else within each other: each takes a few kilobytes of stack.
    private const int MaxNesting = 200;
    private const int MaxSigns = 4;

    // How close operators bind.
    private const int OrLevel = 0;
    private const int AndLevel = 1;
    private const int RelationLevel = 2;
    private const int SumLevel = 3;
    private const int ProductLevel = 4;
    private int nesting;

    /// <summary><c>if … then … else …</c>, or operators.</summary>
    public Expression? Parse()
    {
        if (nesting == MaxNesting)
        {
            reader.Error(reader.Current.Span, $"expressions stand more than {MaxNesting} deep in each other", "split the policy");
            return null;
        }

        nesting++;
        var expression = reader.IsWord("if") && reader.Peek().Kind != TokenKind.DoubleColon ? Conditional() : Binary(OrLevel);
        nesting--;
        return expression;
    }

    /// <summary>Operators that bind closer than comparisons: the operand of <c>in</c>.</summary>
    public Expression? Sum() => Binary(SumLevel);

    /// <summary>The type after <c>is</c>.</summary>
    public EntityType? TypeName()
    {
        if (reader.Current.Kind != TokenKind.Identifier)
        {
            reader.Unexpected("an entity type");
            return null;
        }

        var name = Name();
        if (!name.EndsInColons) return EntityType.Checked(name.Text);
        reader.Unexpected("a name");
        return null;
    }

    private Expression? Conditional()
    {
        var start = reader.Next().Span;
        if (Parse() is not { } condition || !ExpectWord("then") || Parse() is not { } then || !ExpectWord("else") || Parse() is not { } otherwise) return null;
        return Limit(new ConditionalExpression(condition, then, otherwise) { Span = start.To(otherwise.Span) });
    }

    private bool ExpectWord(string word)
    {
        if (reader.AcceptWord(word)) return true;
        reader.Unexpected(word);
        return false;
    }

    // Operands and the operators between them that bind at least as close as the level says. One method for all levels, rather
    // than one for each, keeps the stack low.
    private Expression? Binary(int level)
    {
        var left = Unary();
        var afterRelation = false;
        while (left is not null)
        {
            var found = LevelOf(reader.Current);
            if (found < level) return left;
            if (afterRelation && found >= RelationLevel) return AfterRelation(found);
            if (found == RelationLevel)
            {
                left = Relation(left);
                afterRelation = true;
            }
            else if (reader.Current.Kind is TokenKind.Slash or TokenKind.Percent)
            {
                var what = reader.Current.Kind == TokenKind.Slash ? "division" : "remainder";
                reader.Error(reader.Next().Span, $"Cedar has no {what}");
                if (Binary(found + 1) is null) return null;
            }
            else
            {
                var symbol = OperatorOf(reader.Next().Kind);
                if (Binary(found + 1) is not { } right) return null;
                left = new BinaryExpression(symbol, left, right) { Span = left.Span.To(right.Span) };
                afterRelation = false;
            }

            if (left is not null) left = Limit(left);
        }

        return null;
    }

    private int LevelOf(Token token) => token.Kind switch
    {
        TokenKind.Or => OrLevel,
        TokenKind.And => AndLevel,
        TokenKind.Equal or TokenKind.NotEqual or TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual
            or TokenKind.Assign => RelationLevel,
        TokenKind.Identifier when reader.Source[token.Span] is "in" or "has" or "like" or "is" => RelationLevel,
        TokenKind.Plus or TokenKind.Minus => SumLevel,
        TokenKind.Star or TokenKind.Slash or TokenKind.Percent => ProductLevel,
        _ => -1,
    };

    private static BinaryOperator OperatorOf(TokenKind kind) => kind switch
    {
        TokenKind.Or => BinaryOperator.Or,
        TokenKind.And => BinaryOperator.And,
        TokenKind.Plus => BinaryOperator.Add,
        TokenKind.Minus => BinaryOperator.Subtract,
        TokenKind.Star => BinaryOperator.Multiply,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private Expression? Relation(Expression left) => reader.Current.Kind switch
    {
        TokenKind.Equal => Comparison(left, BinaryOperator.Equal),
        TokenKind.NotEqual => Comparison(left, BinaryOperator.NotEqual),
        TokenKind.Less => Comparison(left, BinaryOperator.Less),
        TokenKind.LessOrEqual => Comparison(left, BinaryOperator.LessOrEqual),
        TokenKind.Greater => Comparison(left, BinaryOperator.Greater),
        TokenKind.GreaterOrEqual => Comparison(left, BinaryOperator.GreaterOrEqual),
        TokenKind.Assign => Assignment(left),
        _ => reader.CurrentText switch
        {
            "in" => Comparison(left, BinaryOperator.In),
            "has" => Has(left),
            "like" => Like(left),
            _ => Is(left),
        },
    };

    private Expression? AfterRelation(int level)
    {
        // What `has`, `like` and `is` have on their right is no operand: nothing can be added to it.
        if (level == RelationLevel) reader.Error(reader.Current.Span, "comparisons cannot follow each other", "put one of them in parentheses");
        else reader.Unexpected("&&", "||", "the end of the expression");
        return null;
    }

    private BinaryExpression? Comparison(Expression left, BinaryOperator symbol)
    {
        reader.Next();
        return Sum() is { } right ? new BinaryExpression(symbol, left, right) { Span = left.Span.To(right.Span) } : null;
    }

    private BinaryExpression? Assignment(Expression left)
    {
        reader.Error(reader.Current.Span, "`=` is no operator of Cedar", "write == to compare");
        return Comparison(left, BinaryOperator.Equal);
    }

    private HasAttributeExpression? Has(Expression target)
    {
        reader.Next();
        if (reader.Current.Kind == TokenKind.String)
        {
            var text = reader.Next();
            return new HasAttributeExpression(target, [reader.ReadString(text)]) { Span = target.Span.To(text.Span) };
        }

        var path = ImmutableArray.CreateBuilder<string>();
        do
        {
            if (reader.Current.Kind != TokenKind.Identifier)
            {
                reader.Unexpected(path.Count == 0 ? ["an attribute's name", "a string"] : ["an attribute's name"]);
                return null;
            }

            var part = reader.Next();
            reader.ReportReserved(part);
            path.Add(reader.Source[part.Span].ToString());
        }
        while (reader.Accept(TokenKind.Dot));
        return new HasAttributeExpression(target, path.ToImmutable()) { Span = target.Span.To(reader.Previous) };
    }

    private LikeExpression? Like(Expression target)
    {
        reader.Next();
        if (reader.Current.Kind != TokenKind.String)
        {
            reader.Unexpected("a pattern in quotes");
            return null;
        }

        var text = reader.Next();
        return new LikeExpression(target, reader.ReadPattern(text)) { Span = target.Span.To(text.Span) };
    }

    private IsExpression? Is(Expression target)
    {
        reader.Next();
        if (TypeName() is not { } type) return null;
        if (!reader.AcceptWord("in")) return new IsExpression(target, type, null) { Span = target.Span.To(reader.Previous) };
        return Sum() is { } ancestor ? new IsExpression(target, type, ancestor) { Span = target.Span.To(ancestor.Span) } : null;
    }

    private Expression? Unary()
    {
        var kind = reader.Current.Kind;
        if (kind is not (TokenKind.Not or TokenKind.Minus)) return Member();
        var signs = new List<SourceSpan>();
        while (reader.Current.Kind == kind) signs.Add(reader.Next().Span);
        if (signs.Count > MaxSigns)
        {
            reader.Error(signs[0].To(signs[^1]), $"more than {MaxSigns} of `{(kind == TokenKind.Not ? '!' : '-')}` stand before each other", "leave out pairs of them");
        }

        // A minus before digits belongs to the number, so that the least long can be written.
        Expression? operand = null;
        if (kind == TokenKind.Minus && reader.Current.Kind == TokenKind.Integer && !StartsAccess(reader.Peek().Kind))
        {
            operand = Integer(reader.Next(), signs[^1]);
            signs.RemoveAt(signs.Count - 1);
        }

        operand ??= Member();
        for (var i = Math.Min(signs.Count, MaxSigns) - 1; i >= 0 && operand is not null; i--)
        {
            var symbol = kind == TokenKind.Not ? UnaryOperator.Not : UnaryOperator.Negate;
            operand = Limit(new UnaryExpression(symbol, operand) { Span = signs[i].To(operand.Span) });
        }

        return operand;
    }

    private LiteralExpression Integer(Token token, SourceSpan? minus)
    {
        var span = minus?.To(token.Span) ?? token.Span;
        var digits = reader.Source[token.Span];
        var fits = UInt128.TryParse(digits.TrimStart('0') is { IsEmpty: false } significant ? significant : "0", NumberStyles.None, CultureInfo.InvariantCulture, out var magnitude)
            && magnitude <= (minus is null ? long.MaxValue : (UInt128)long.MaxValue + 1);
        if (!fits) reader.Error(span, "the number is out of the range of a long", $"from {long.MinValue} to {long.MaxValue}");
        var number = !fits ? 0 : minus is null ? (long)magnitude : (long)-(Int128)magnitude;
        return new LiteralExpression(CedarValue.Long(number)) { Span = span };
    }

    /// <summary>What stands for an expression that was read and reported, so that the reading goes on.</summary>
    private static LiteralExpression Placeholder(SourceSpan span) => new(CedarValue.Bool(false)) { Span = span };

    private Expression? Limit(Expression expression)
    {
        if (expression.Height <= Expression.MaxHeight) return expression;
        reader.Error(expression.Span, $"the expression is more than {Expression.MaxHeight} operators high", "split the policy, or write a set");
        return null;
    }
}
