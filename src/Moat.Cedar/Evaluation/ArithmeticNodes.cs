namespace Moat.Cedar;

/// <summary><c>+</c>, <c>-</c> and <c>*</c> of longs; what does not fit is an error.</summary>
internal sealed class ArithmeticNode(Expression source, BinaryOperator symbol, Node left, Node right) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = default;
        if (!left.TryEvaluate(context, out var first) || !right.TryEvaluate(context, out var second)) return false;
        if (!first.TryGetLong(out var a))
        {
            context.Fail(EvaluationErrorKind.WrongKind, left, first, "a long");
            return false;
        }

        if (!second.TryGetLong(out var b))
        {
            context.Fail(EvaluationErrorKind.WrongKind, right, second, "a long");
            return false;
        }

        var exact = symbol switch
        {
            BinaryOperator.Add => (Int128)a + b,
            BinaryOperator.Subtract => (Int128)a - b,
            _ => (Int128)a * b,
        };
        if (exact < long.MinValue || exact > long.MaxValue)
        {
            context.Fail(EvaluationErrorKind.Overflow, this);
            return false;
        }

        value = CedarValue.Long((long)exact);
        return true;
    }
}

/// <summary><c>-x</c>.</summary>
internal sealed class NegateNode(Expression source, Node operand) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = default;
        if (!operand.TryEvaluateLong(context, out var number)) return false;
        if (number == long.MinValue)
        {
            context.Fail(EvaluationErrorKind.Overflow, this);
            return false;
        }

        value = CedarValue.Long(-number);
        return true;
    }
}
