using System.Text;

namespace Moat.Cedar;

/// <summary>Writes expressions as Cedar, with the parentheses that they need. What it writes is read as the same tree.</summary>
internal sealed class ExpressionText(StringBuilder text)
{
    // How close things bind, from the loosest; an operand that binds looser than its place asks for stands in parentheses.
    private const int Choice = 0;
    private const int Or = 1;
    private const int And = 2;
    private const int Relation = 3;
    private const int Sum = 4;
    private const int Product = 5;
    private const int Unary = 6;
    private const int Member = 7;

    /// <summary>The expression as Cedar.</summary>
    public static string Of(Expression expression)
    {
        var text = new StringBuilder();
        new ExpressionText(text).Write(expression, Choice);
        return text.ToString();
    }

    /// <summary>Appends the expression, in parentheses when it binds looser than <paramref name="place"/>.</summary>
    private void Write(Expression expression, int place)
    {
        var isLoose = Level(expression) < place;
        if (isLoose) text.Append('(');
        WriteBare(expression);
        if (isLoose) text.Append(')');
    }

    public void Write(Expression expression) => Write(expression, Choice);

    private static int Level(Expression expression) => expression switch
    {
        ConditionalExpression => Choice,
        BinaryExpression binary => Level(binary.Operator),
        HasAttributeExpression has when NeedsSteps(has) => And,
        HasAttributeExpression or LikeExpression or IsExpression => Relation,
        UnaryExpression { Operator: not UnaryOperator.IsEmpty } => Unary,
        LiteralExpression literal when literal.Value.TryGetLong(out var number) && number < 0 => Unary,
        _ => Member,
    };

    private static int Level(BinaryOperator symbol) => symbol switch
    {
        BinaryOperator.Or => Or,
        BinaryOperator.And => And,
        BinaryOperator.Add or BinaryOperator.Subtract => Sum,
        BinaryOperator.Multiply => Product,
        >= BinaryOperator.Contains => Member,
        _ => Relation,
    };

    private void WriteBare(Expression expression)
    {
        switch (expression)
        {
            case LiteralExpression literal:
                text.Append(literal.Value.ToString());
                break;
            case VariableExpression variable:
                text.Append(ExpressionJsonWriter.NameOf(variable.Variable));
                break;
            case UnaryExpression { Operator: UnaryOperator.IsEmpty } unary:
                Write(unary.Operand, Member);
                text.Append(".isEmpty()");
                break;
            case UnaryExpression unary:
                WriteSigned(unary);
                break;
            case BinaryExpression binary:
                WriteBinary(binary);
                break;
            case ConditionalExpression choice:
                WriteAfter("if ", choice.Condition, Choice);
                WriteAfter(" then ", choice.Then, Choice);
                WriteAfter(" else ", choice.Else, Choice);
                break;
            case GetAttributeExpression get:
                Write(get.Target, Member);
                WriteAccess(get.Name);
                break;
            case HasAttributeExpression has:
                WriteHas(has);
                break;
            case LikeExpression like:
                Write(like.Target, Sum);
                text.Append(" like ").Append(like.Pattern);
                break;
            case IsExpression test:
                Write(test.Target, Sum);
                text.Append(" is ").Append(test.Type.Name);
                if (test.Ancestor is not null) WriteAfter(" in ", test.Ancestor, Sum);
                break;
            case SetExpression set:
                WriteList('[', set.Elements.AsSpan(), ']');
                break;
            case RecordExpression record:
                WriteRecord(record);
                break;
            case CallExpression call:
                WriteCall(call);
                break;
        }
    }

    private void WriteAfter(string before, Expression expression, int place)
    {
        text.Append(before);
        Write(expression, place);
    }

    // A minus that stood before digits would become part of the number.
    private void WriteSigned(UnaryExpression unary)
    {
        text.Append(unary.Operator == UnaryOperator.Not ? '!' : '-');
        Write(unary.Operand, unary is { Operator: UnaryOperator.Negate, Operand: LiteralExpression } ? Member + 1 : Member);
    }

    private void WriteBinary(BinaryExpression binary)
    {
        var level = Level(binary.Operator);
        if (level == Member)
        {
            Write(binary.Left, Member);
            text.Append('.').Append(binary.Operator.Name()).Append('(');
            Write(binary.Right, Choice);
            text.Append(')');
            return;
        }

        // Comparisons cannot follow each other; the others group to the left.
        Write(binary.Left, level == Relation ? Sum : level);
        text.Append(' ').Append(binary.Operator.Name()).Append(' ');
        Write(binary.Right, level + 1);
    }

    private void WriteAccess(string name)
    {
        if (IsBare(name)) text.Append('.').Append(name);
        else text.Append('[').Append(CedarString.Quote(name)).Append(']');
    }

    private static bool IsBare(string name) => CedarName.IsIdentifier(name) && !CedarName.IsReserved(name);

    // A path of names that are no identifiers has no short form: x has "a b" && x["a b"] has c.
    private static bool NeedsSteps(HasAttributeExpression has) => has.Path.Length > 1 && !has.Path.All(IsBare);

    private void WriteHas(HasAttributeExpression has)
    {
        if (!NeedsSteps(has))
        {
            Write(has.Target, Sum);
            text.Append(" has ").Append(has.Path.Length > 1 || IsBare(has.Path[0]) ? string.Join('.', has.Path) : CedarString.Quote(has.Path[0]));
            return;
        }

        var target = has.Target;
        for (var i = 0; i < has.Path.Length; i++)
        {
            if (i > 0) text.Append(" && ");
            WriteHas(new HasAttributeExpression(target, [has.Path[i]]));
            target = new GetAttributeExpression(target, has.Path[i]);
        }
    }

    private void WriteList(char open, ReadOnlySpan<Expression> elements, char close)
    {
        text.Append(open);
        var separator = "";
        foreach (var element in elements)
        {
            WriteAfter(separator, element, Choice);
            separator = ", ";
        }

        text.Append(close);
    }

    private void WriteRecord(RecordExpression record)
    {
        text.Append('{');
        var separator = "";
        foreach (var (name, value) in record.Fields)
        {
            text.Append(separator).Append(IsBare(name) ? name : CedarString.Quote(name));
            WriteAfter(": ", value, Choice);
            separator = ", ";
        }

        text.Append('}');
    }

    private void WriteCall(CallExpression call)
    {
        var arguments = call.Arguments.AsSpan();
        if (call.Function.Signature().IsMethod && arguments.Length > 0)
        {
            Write(arguments[0], Member);
            text.Append('.');
            arguments = arguments[1..];
        }

        text.Append(call.Function.Name());
        WriteList('(', arguments, ')');
    }
}
