using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>An expression of a condition. Parentheses leave no trace; the tree's shape says what they said.</summary>
public abstract record Expression
{
    /// <summary>The greatest height of a tree, so that whoever walks it needs little stack, whatever a hostile policy holds.</summary>
    internal const int MaxHeight = 500;

    private protected Expression(int heightOfChildren) => Height = heightOfChildren + 1;

    /// <summary>The number of expressions on the longest way down, this one included.</summary>
    internal int Height { get; }

    /// <summary>Where it stands in the policy's source; empty for one that came from JSON or was built in code.</summary>
    public SourceSpan Span { get; init; }

    /// <summary>The expression as Cedar.</summary>
    public sealed override string ToString() => ExpressionText.Of(this);
}

/// <summary>A boolean, a long, a string or an entity as written.</summary>
/// <param name="Value">Of one of these four kinds.</param>
public sealed record LiteralExpression(CedarValue Value) : Expression(0);

/// <summary><c>principal</c>, <c>action</c>, <c>resource</c> or <c>context</c>.</summary>
public sealed record VariableExpression(Variable Variable) : Expression(0);

/// <summary><c>!x</c>, <c>-x</c> or <c>x.isEmpty()</c>.</summary>
public sealed record UnaryExpression(UnaryOperator Operator, Expression Operand) : Expression(Operand.Height);

/// <summary>Two operands: an infix operator, or a built-in method and its argument.</summary>
public sealed record BinaryExpression(BinaryOperator Operator, Expression Left, Expression Right)
    : Expression(Math.Max(Left.Height, Right.Height));

/// <summary><c>if condition then … else …</c>.</summary>
public sealed record ConditionalExpression(Expression Condition, Expression Then, Expression Else)
    : Expression(Math.Max(Condition.Height, Math.Max(Then.Height, Else.Height)));

/// <summary><c>target.name</c> or <c>target["name"]</c>.</summary>
public sealed record GetAttributeExpression(Expression Target, string Name) : Expression(Target.Height);

/// <summary><c>target has name</c>, <c>target has "name"</c> or <c>target has a.b.c</c>.</summary>
/// <param name="Target">An entity or a record.</param>
/// <param name="Path">One name, or those of a path from the outside in.</param>
public sealed record HasAttributeExpression(Expression Target, ImmutableArray<string> Path) : Expression(Target.Height);

/// <summary><c>target like "pattern"</c>.</summary>
public sealed record LikeExpression(Expression Target, LikePattern Pattern) : Expression(Target.Height);

/// <summary><c>target is Type</c>, or <c>target is Type in ancestor</c>.</summary>
/// <param name="Target">An entity.</param>
/// <param name="Type">The type asked for.</param>
/// <param name="Ancestor">Null without <c>in</c>.</param>
public sealed record IsExpression(Expression Target, EntityType Type, Expression? Ancestor)
    : Expression(Math.Max(Target.Height, Ancestor?.Height ?? 0));

/// <summary><c>[a, b, …]</c>.</summary>
public sealed record SetExpression(ImmutableArray<Expression> Elements)
    : Expression(Elements.IsEmpty ? 0 : Elements.Max(e => e.Height));

/// <summary><c>{name: value, …}</c>, in the order written; each name once.</summary>
public sealed record RecordExpression(ImmutableArray<KeyValuePair<string, Expression>> Fields)
    : Expression(Fields.IsEmpty ? 0 : Fields.Max(f => f.Value.Height));

/// <summary>A call of an extension function, <c>ip("…")</c>, or method, <c>x.isInRange(y)</c>.</summary>
/// <param name="Function">Which one.</param>
/// <param name="Arguments">The receiver of a method comes first. Their number is checked when the call is evaluated or validated, not before.</param>
public sealed record CallExpression(ExtensionFunction Function, ImmutableArray<Expression> Arguments)
    : Expression(Arguments.IsEmpty ? 0 : Arguments.Max(a => a.Height));
