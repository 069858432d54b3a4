namespace Moat.Cedar;

/// <summary><c>==</c> and <c>!=</c>: of whatever kinds; values of two kinds differ.</summary>
internal sealed class EqualNode(Expression source, Node left, Node right, bool negated) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        if (!left.TryEvaluate(context, out var first) || !right.TryEvaluate(context, out var second)) return Truth.Error;
        return Of(first.Equals(second) != negated);
    }
}

/// <summary>The order of longs, of instants or of lengths of time.</summary>
internal sealed class OrderNode(Expression source, BinaryOperator symbol, Node left, Node right) : TruthNode(source)
{
    private const string Ordered = "a long, a datetime or a duration";

    public override Truth Test(EvaluationContext context)
    {
        if (!left.TryEvaluate(context, out var first) || !right.TryEvaluate(context, out var second)) return Truth.Error;
        if (!TryGetNumber(first, out var low)) return context.FailTruth(EvaluationErrorKind.WrongKind, left, first, Ordered);
        if (second.Kind != first.Kind || !TryGetNumber(second, out var high)) return context.FailTruth(EvaluationErrorKind.WrongKind, right, second, Ordered);
        return Of(symbol switch
        {
            BinaryOperator.Less => low < high,
            BinaryOperator.LessOrEqual => low <= high,
            BinaryOperator.Greater => low > high,
            _ => low >= high,
        });
    }

    private static bool TryGetNumber(CedarValue value, out long number) => value.TryGetLong(out number)
        || value.TryGetScaled(CedarKind.DateTime, out number) || value.TryGetScaled(CedarKind.Duration, out number);
}

/// <summary><c>like</c>.</summary>
internal sealed class LikeNode(Expression source, Node target, LikePattern pattern) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context) =>
        target.EvaluateString(context) is { } text ? Of(pattern.Matches(text)) : Truth.Error;
}
