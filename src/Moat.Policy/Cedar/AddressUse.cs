using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// Finds where a statement would let more through because a host's address is not known: a forbid that asks for it, or
/// a permit that asks for its absence. The other way round, what is not known is denied.
/// </summary>
internal static class AddressUse
{
    /// <summary>Where the address is asked for in that way; null for nowhere.</summary>
    public static SourceSpan? NeedsResolved(Cedar.Policy policy)
    {
        var narrowing = policy.Effect == Effect.Permit;
        if (!narrowing && IsAddress(policy.Resource)) return policy.Resource.Span;
        foreach (var condition in policy.Conditions)
        {
            if (Find(condition.Body, narrowing != condition.IsUnless) is { } span) return span;
        }

        return null;
    }

    private static bool IsAddress(ScopeConstraint scope) => scope switch
    {
        EqualScope { Entity.Uid: { } uid } => IsAddress(uid),
        InScope { Entity.Uid: { } uid } => IsAddress(uid),
        IsScope { Entity.Uid: { } uid } => IsAddress(uid),
        _ => false,
    };

    // Metadata endpoints are closed to names as well, whatever the policy says.
    private static bool IsAddress(EntityUid uid) => uid.Type.Name switch
    {
        "Cidr" => true,
        "Host" => CanonicalHost.TryParse(uid.Id, out var host, out _) && host.IsIp && AddressGuard.Classify(host.Address!) != AddressClass.Metadata,
        "Endpoint" => CanonicalHost.TryParse(uid.Id.AsSpan(0, uid.Id.LastIndexOf(':')), out var host, out _) && host.IsIp && AddressGuard.Classify(host.Address!) != AddressClass.Metadata,
        _ => false,
    };

    // safe: the node being true where it is false for want of the address lets nothing through. Null: neither way is.
    private static SourceSpan? Find(Expression node, bool? safe) => node switch
    {
        UnaryExpression { Operator: UnaryOperator.Not } not => Find(not.Operand, !safe),
        BinaryExpression { Operator: BinaryOperator.And or BinaryOperator.Or } both => Find(both.Left, safe) ?? Find(both.Right, safe),
        ConditionalExpression choice => Find(choice.Condition, null) ?? Find(choice.Then, safe) ?? Find(choice.Else, safe),
        _ => Sense(node, safe) != true && Asks(node) ? node.Span : null,
    };

    // What the node's own truth says: a plain question holds for a known address only, != for all others, and anything else may do either.
    private static bool? Sense(Expression node, bool? safe) => node switch
    {
        BinaryExpression { Operator: BinaryOperator.Equal or BinaryOperator.In or BinaryOperator.Contains } plain => IsPlain(plain.Left) && IsPlain(plain.Right) ? safe : null,
        BinaryExpression { Operator: BinaryOperator.NotEqual } plain => IsPlain(plain.Left) && IsPlain(plain.Right) ? !safe : null,
        HasAttributeExpression => safe,
        CallExpression call => IsPlain(call) ? safe : null,
        IsExpression test => IsPlain(test.Target) && (test.Ancestor is null || IsPlain(test.Ancestor)) ? safe : null,
        _ => null,
    };

    // No choice and no truth value within, so that nothing in it turns the answer round.
    private static bool IsPlain(Expression node) => node switch
    {
        VariableExpression => true,
        LiteralExpression literal => !literal.Value.TryGetBool(out _),
        GetAttributeExpression get => IsPlain(get.Target),
        CallExpression call => call.Arguments.All(IsPlain),
        SetExpression set => set.Elements.All(IsPlain),
        _ => false,
    };

    private static bool Asks(Expression node) => node switch
    {
        LiteralExpression literal => literal.Value.AsEntity() is { } uid && IsAddress(uid),
        GetAttributeExpression { Target: VariableExpression { Variable: Variable.Context }, Name: "ip" } => true,
        HasAttributeExpression { Target: VariableExpression { Variable: Variable.Context } } has => has.Path.Contains("ip"),
        ConditionalExpression choice => Asks(choice.Condition) || Asks(choice.Then) || Asks(choice.Else),
        UnaryExpression unary => Asks(unary.Operand),
        BinaryExpression binary => (binary.Operator is BinaryOperator.Equal or BinaryOperator.NotEqual && IsContext(binary.Left, binary.Right)) || Asks(binary.Left) || Asks(binary.Right),
        GetAttributeExpression get => Asks(get.Target),
        HasAttributeExpression has => Asks(has.Target),
        LikeExpression like => Asks(like.Target),
        IsExpression test => Asks(test.Target) || (test.Ancestor is not null && Asks(test.Ancestor)),
        SetExpression set => set.Elements.Any(Asks),
        RecordExpression record => record.Fields.Any(static f => Asks(f.Value)),
        CallExpression call => call.Arguments.Any(Asks),
        _ => false,
    };

    private static bool IsContext(Expression left, Expression right) =>
        left is VariableExpression { Variable: Variable.Context } || right is VariableExpression { Variable: Variable.Context };
}
