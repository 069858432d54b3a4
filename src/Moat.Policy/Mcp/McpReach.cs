using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// Which statements about MCP tools the gateway can hold. It judges calls to servers over HTTP that it knows: a program that
/// the agent starts talks past it, and so does a server of which nobody told.
/// </summary>
internal static class McpReach
{
    public const string Downgrade = "policy-mcp";

    /// <summary>Where and why the statement does not hold, and what to write; null where it holds.</summary>
    public static (SourceSpan Place, string Lack, string Mend)? Lack(Cedar.Policy policy)
    {
        foreach (var uid in MentionedEntities.Of(policy).Where(static e => e.Type == PolicyVocabulary.McpServerType))
        {
            if (!McpServerName.TryRead(uid.Id, out _, out _))
                return (policy.Span, $"names {uid}, which is no host: a server that is started in the sandbox talks past the gateway", "name the server's host");
        }

        return policy.Effect == Effect.Permit || NamesServer(policy)
            ? null
            : (policy.Span, "forbids tools without naming their servers, and the gateway knows no others than those that are named", "write `resource in MCP::Server::\"mcp.example.org\"` in its head or its `when`");
    }

    private static bool NamesServer(Cedar.Policy policy) =>
        policy.Resource is InScope { Entity.Uid: { } uid } && IsServer(uid)
        || policy.Resource is IsScope { Entity.Uid: { } within } && IsServer(within)
        || policy.Conditions.Any(static c => !c.IsUnless && Names(c.Body));

    // The condition can hold at named servers alone.
    private static bool Names(Expression node) => node switch
    {
        BinaryExpression { Operator: BinaryOperator.And } both => Names(both.Left) || Names(both.Right),
        BinaryExpression { Operator: BinaryOperator.Or } either => Names(either.Left) && Names(either.Right),
        BinaryExpression { Operator: BinaryOperator.In, Left: VariableExpression { Variable: Variable.Resource } } membership => membership.Right switch
        {
            LiteralExpression literal => literal.Value.AsEntity() is { } uid && IsServer(uid),
            SetExpression set => set.Elements.All(static e => e is LiteralExpression one && one.Value.AsEntity() is { } uid && IsServer(uid)),
            _ => false,
        },
        _ => false,
    };

    private static bool IsServer(EntityUid uid) => uid.Type == PolicyVocabulary.McpServerType;
}
