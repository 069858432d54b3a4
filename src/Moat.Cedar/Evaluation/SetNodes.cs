namespace Moat.Cedar;

/// <summary>A set that is made anew for each request, since a member depends on it.</summary>
internal sealed class SetNode(Expression source, Node[] elements) : Node(source)
{
    public override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        var values = new CedarValue[elements.Length];
        value = default;
        for (var i = 0; i < elements.Length; i++)
        {
            if (!elements[i].TryEvaluate(context, out values[i])) return false;
        }

        value = CedarValue.Set(CedarSet.Create(values));
        return true;
    }
}

/// <summary><c>contains</c>.</summary>
internal sealed class ContainsNode(Expression source, Node left, Node right) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        if (!left.TryEvaluate(context, out var container) || !right.TryEvaluate(context, out var member)) return Truth.Error;
        return container.AsSet() is { } set ? Of(set.Contains(member)) : context.FailTruth(EvaluationErrorKind.WrongKind, left, container, "a set");
    }
}

/// <summary><c>containsAll</c> and <c>containsAny</c>.</summary>
internal sealed class ContainsManyNode(Expression source, Node left, Node right, bool all) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context)
    {
        if (left.EvaluateSet(context) is not { } set || right.EvaluateSet(context) is not { } other) return Truth.Error;
        return Of(all ? set.ContainsAll(other) : set.ContainsAny(other));
    }
}

/// <summary><c>isEmpty</c>.</summary>
internal sealed class IsEmptyNode(Expression source, Node operand) : TruthNode(source)
{
    public override Truth Test(EvaluationContext context) => operand.EvaluateSet(context) is { } set ? Of(set.Count == 0) : Truth.Error;
}
