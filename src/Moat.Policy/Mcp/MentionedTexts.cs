using Moat.Cedar;

namespace Moat.Policy;

/// <summary>The texts that an expression holds, patterns left out.</summary>
internal static class MentionedTexts
{
    public static IEnumerable<string> Of(Expression node) => node switch
    {
        LiteralExpression literal => literal.Value.AsString() is { } text ? [text] : [],
        UnaryExpression unary => Of(unary.Operand),
        BinaryExpression binary => [.. Of(binary.Left), .. Of(binary.Right)],
        ConditionalExpression choice => [.. Of(choice.Condition), .. Of(choice.Then), .. Of(choice.Else)],
        GetAttributeExpression get => Of(get.Target),
        HasAttributeExpression has => Of(has.Target),
        LikeExpression like => Of(like.Target),
        IsExpression test => Of(test.Target),
        SetExpression set => set.Elements.SelectMany(Of),
        RecordExpression record => record.Fields.SelectMany(static f => Of(f.Value)),
        CallExpression call => call.Arguments.SelectMany(Of),
        _ => [],
    };
}
