namespace Moat.Cedar;

/// <summary><c>&amp;&amp;</c>: the right side is asked only when the left is true.</summary>
internal sealed class AndNode(Expression source, Node left, Node right) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        var truth = left.Test(context);
        return truth == Truth.True ? right.Test(context) : truth;
    }
}

/// <summary><c>||</c>: the right side is asked only when the left is false.</summary>
internal sealed class OrNode(Expression source, Node left, Node right) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        var truth = left.Test(context);
        return truth == Truth.False ? right.Test(context) : truth;
    }
}

/// <summary><c>!</c>.</summary>
internal sealed class NotNode(Expression source, Node operand) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context) => operand.Test(context) switch
    {
        Truth.True => Truth.False,
        Truth.False => Truth.True,
        _ => Truth.Error,
    };
}

/// <summary><c>if … then … else …</c>: one branch is evaluated.</summary>
internal sealed class ConditionalNode(Expression source, Node condition, Node then, Node otherwise) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = default;
        return condition.Test(context) switch
        {
            Truth.True => then.TryEvaluate(context, out value),
            Truth.False => otherwise.TryEvaluate(context, out value),
            _ => false,
        };
    }

    public override Truth Test(EvaluationContext context) => condition.Test(context) switch
    {
        Truth.True => then.Test(context),
        Truth.False => otherwise.Test(context),
        _ => Truth.Error,
    };
}
