namespace Moat.Cedar;

/// <summary>What an expression has become: a value, an error in any case, or an expression that waits for the unknown.</summary>
internal sealed class Simplified
{
    private Simplified(CedarValue value, EvaluationError? error, Expression? open)
    {
        Value = value;
        Error = error;
        Open = open;
    }

    /// <summary>The value, when there is neither an error nor an open expression.</summary>
    public CedarValue Value { get; }

    /// <summary>The error, or null.</summary>
    public EvaluationError? Error { get; }

    /// <summary>The expression that is left, or null.</summary>
    public Expression? Open { get; }

    public bool IsKnown => Error is null && Open is null;

    public bool IsTrue => Value.TryGetBool(out var truth) && truth;

    public static Simplified Known(CedarValue value) => new(value, null, null);

    public static Simplified Known(bool value) => Known(CedarValue.Bool(value));

    public static Simplified Fails(EvaluationError error) => new(default, error, null);

    public static Simplified Left(Expression expression) => new(default, null, expression);

    /// <summary>The expression that stands for it; the original for an error, which it will yield again.</summary>
    public Expression Or(Expression original) => Open ?? (Error is null ? ValueExpression.Of(Value) : original);
}
