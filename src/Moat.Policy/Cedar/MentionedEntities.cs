using System.Collections.Immutable;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>The entities that a statement names, each as often as it does.</summary>
internal static class MentionedEntities
{
    public static IEnumerable<EntityUid> Of(Cedar.Policy policy) =>
        [.. Of(policy.Principal), .. Of(policy.Action), .. Of(policy.Resource), .. policy.Conditions.SelectMany(static c => Of(c.Body))];

    private static ImmutableArray<EntityUid> Of(ScopeConstraint scope) => scope switch
    {
        EqualScope { Entity.Uid: { } uid } => [uid],
        InScope { Entity.Uid: { } uid } => [uid],
        InSetScope set => set.Entities,
        IsScope { Entity.Uid: { } uid } => [uid],
        _ => [],
    };

    private static IEnumerable<EntityUid> Of(Expression node) => node switch
    {
        LiteralExpression literal => literal.Value.AsEntity() is { } uid ? [uid] : [],
        UnaryExpression unary => Of(unary.Operand),
        BinaryExpression binary => [.. Of(binary.Left), .. Of(binary.Right)],
        ConditionalExpression choice => [.. Of(choice.Condition), .. Of(choice.Then), .. Of(choice.Else)],
        GetAttributeExpression get => Of(get.Target),
        HasAttributeExpression has => Of(has.Target),
        LikeExpression like => Of(like.Target),
        IsExpression test => [.. Of(test.Target), .. test.Ancestor is null ? [] : Of(test.Ancestor)],
        SetExpression set => set.Elements.SelectMany(Of),
        RecordExpression record => record.Fields.SelectMany(static f => Of(f.Value)),
        CallExpression call => call.Arguments.SelectMany(Of),
        _ => [],
    };
}
