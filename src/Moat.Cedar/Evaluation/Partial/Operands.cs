using System.Diagnostics;

namespace Moat.Cedar;

/// <summary>The operands of an expression that evaluates all of them, from the left to the right, and the expression with others in their place.</summary>
internal static class Operands
{
    public static Expression[] Of(Expression expression) => expression switch
    {
        UnaryExpression unary => [unary.Operand],
        BinaryExpression binary => [binary.Left, binary.Right],
        GetAttributeExpression get => [get.Target],
        HasAttributeExpression has => [has.Target],
        LikeExpression like => [like.Target],
        SetExpression set => [.. set.Elements],
        RecordExpression record => [.. record.Fields.Select(static f => f.Value)],
        CallExpression call => [.. call.Arguments],
        _ => throw new UnreachableException(),
    };

    // Made anew rather than copied, so that its height is that of its operands.
    public static Expression Replace(Expression expression, Expression[] operands) => expression switch
    {
        UnaryExpression unary => new UnaryExpression(unary.Operator, operands[0]) { Span = unary.Span },
        BinaryExpression binary => new BinaryExpression(binary.Operator, operands[0], operands[1]) { Span = binary.Span },
        GetAttributeExpression get => new GetAttributeExpression(operands[0], get.Name) { Span = get.Span },
        HasAttributeExpression has => new HasAttributeExpression(operands[0], has.Path) { Span = has.Span },
        LikeExpression like => new LikeExpression(operands[0], like.Pattern) { Span = like.Span },
        SetExpression set => new SetExpression([.. operands]) { Span = set.Span },
        RecordExpression record => new RecordExpression([.. record.Fields.Zip(operands, static (f, v) => KeyValuePair.Create(f.Key, v))]) { Span = record.Span },
        CallExpression call => new CallExpression(call.Function, [.. operands]) { Span = call.Span },
        _ => throw new UnreachableException(),
    };
}
