namespace Moat.Cedar;

/// <summary>Why an expression has no value.</summary>
public enum EvaluationErrorKind
{
    /// <summary>None.</summary>
    None,

    /// <summary>An operand is of a kind that the operator does not take.</summary>
    WrongKind,

    /// <summary>An attribute or a tag is asked of an entity that is not stored.</summary>
    NoSuchEntity,

    /// <summary>The entity or record has no such attribute.</summary>
    NoSuchAttribute,

    /// <summary>The entity has no such tag.</summary>
    NoSuchTag,

    /// <summary>The result does not fit into a long.</summary>
    Overflow,

    /// <summary>An extension function does not read the text.</summary>
    UnreadableText,

    /// <summary>An extension function is called with too few or too many arguments.</summary>
    WrongArity,
}

/// <summary>An error of a policy, which is skipped for it. The message is written when it is asked for, so that an error costs no memory.</summary>
public readonly struct EvaluationError
{
    private readonly CedarValue value;
    private readonly string? name;

    internal EvaluationError(Policy? policy, EvaluationErrorKind kind, Expression? expression, CedarValue value, string? name)
    {
        Policy = policy;
        Kind = kind;
        Expression = expression;
        this.value = value;
        this.name = name;
    }

    /// <summary>The policy; null when an expression was evaluated by itself.</summary>
    public Policy? Policy { get; }

    /// <summary>What went wrong.</summary>
    public EvaluationErrorKind Kind { get; }

    /// <summary>The expression without a value.</summary>
    public Expression? Expression { get; }

    /// <summary>What went wrong, in a sentence without a final stop.</summary>
    public string Message => Kind switch
    {
        EvaluationErrorKind.WrongKind => $"{name} is expected, not {value}",
        EvaluationErrorKind.NoSuchEntity => $"the entity {value} is unknown",
        EvaluationErrorKind.NoSuchAttribute => $"{(value.Kind == CedarKind.Entity ? value.ToString() : "the record")} has no attribute `{name}`",
        EvaluationErrorKind.NoSuchTag => $"{value} has no tag `{name}`",
        EvaluationErrorKind.Overflow => "the result does not fit into a long",
        EvaluationErrorKind.UnreadableText => $"`{name}` does not read {value}",
        EvaluationErrorKind.WrongArity => $"`{name}` is called with the wrong number of arguments",
        _ => "",
    };

    /// <summary>The error with its policy and its place.</summary>
    public Diagnostic ToDiagnostic() => new(DiagnosticSeverity.Error, Message)
    {
        PolicyId = Policy?.Id,
        Source = Policy?.Source,
        Span = Expression?.Span ?? default,
    };

    internal EvaluationError For(Policy policy) => new(policy, Kind, Expression, value, name);

    /// <summary>The error of an expression that was worked out in another form.</summary>
    internal EvaluationError At(Expression expression) => new(Policy, Kind, expression, value, name);
}
