namespace Moat.Cedar;

/// <summary>An expression made ready for evaluation: constants are worked out, names of functions resolved, nothing is allocated that can be avoided.</summary>
internal abstract class Node(Expression source)
{
    /// <summary>The expression, for messages.</summary>
    public Expression Source => source;

    /// <summary>The value; false when there is none, for the reason in the context.</summary>
    public abstract bool TryEvaluate(EvaluationContext context, out CedarValue value);

    /// <summary>The value as a condition; anything but a boolean is an error.</summary>
    public virtual Truth Test(EvaluationContext context)
    {
        if (!TryEvaluate(context, out var value)) return Truth.Error;
        if (value.TryGetBool(out var truth)) return truth ? Truth.True : Truth.False;
        return context.FailTruth(EvaluationErrorKind.WrongKind, this, value, "a boolean");
    }

    /// <summary>The value as an entity; null with an error when it is none.</summary>
    public EntityUid? EvaluateEntity(EvaluationContext context)
    {
        if (!TryEvaluate(context, out var value)) return null;
        if (value.AsEntity() is { } uid) return uid;
        context.Fail(EvaluationErrorKind.WrongKind, this, value, "an entity");
        return null;
    }

    /// <summary>The value as a set; null with an error when it is none.</summary>
    public CedarSet? EvaluateSet(EvaluationContext context)
    {
        if (!TryEvaluate(context, out var value)) return null;
        if (value.AsSet() is { } set) return set;
        context.Fail(EvaluationErrorKind.WrongKind, this, value, "a set");
        return null;
    }

    /// <summary>The value as a text; null with an error when it is none.</summary>
    public string? EvaluateString(EvaluationContext context)
    {
        if (!TryEvaluate(context, out var value)) return null;
        if (value.AsString() is { } text) return text;
        context.Fail(EvaluationErrorKind.WrongKind, this, value, "a string");
        return null;
    }

    /// <summary>The value as an integer; false with an error when it is none.</summary>
    public bool TryEvaluateLong(EvaluationContext context, out long number)
    {
        number = 0;
        if (!TryEvaluate(context, out var value)) return false;
        if (value.TryGetLong(out number)) return true;
        context.Fail(EvaluationErrorKind.WrongKind, this, value, "a long");
        return false;
    }
}

/// <summary>A node that yields a boolean: it is asked as a condition, and its value follows.</summary>
internal abstract class TruthNode(Expression source) : Node(source)
{
    public sealed override bool TryEvaluate(EvaluationContext context, out CedarValue value)
    {
        var truth = Test(context);
        value = CedarValue.Bool(truth == Truth.True);
        return truth != Truth.Error;
    }

    public abstract override Truth Test(EvaluationContext context);

    protected static Truth Of(bool value) => value ? Truth.True : Truth.False;
}
