namespace Moat.Cedar;

/// <summary>A value known beforehand.</summary>
internal sealed class ConstantNode(Expression source, CedarValue constant) : Node(source)
{
    public CedarValue Value => constant;

    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = constant;
        return true;
    }
}

/// <summary>An error known beforehand.</summary>
internal sealed class FailingNode(Expression source, EvaluationErrorKind kind, CedarValue value, string name) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue result)
    {
        context.Fail(kind, this, value, name);
        result = default;
        return false;
    }
}

/// <summary>A variable of the request.</summary>
internal sealed class VariableNode(Expression source, Variable variable) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        value = variable switch
        {
            Variable.Principal => CedarValue.Entity(context.Principal),
            Variable.Action => CedarValue.Entity(context.Action),
            Variable.Resource => CedarValue.Entity(context.Resource),
            _ => CedarValue.Record(context.Context),
        };
        return true;
    }
}
