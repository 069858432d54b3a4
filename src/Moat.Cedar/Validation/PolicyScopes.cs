namespace Moat.Cedar;

/// <summary>Checks that a policy's scope leaves some kind of request to which the policy may apply.</summary>
internal sealed class PolicyScopes(CedarSchema schema, ValidationReport report)
{
    public void Check(Policy policy)
    {
        var principals = Types(policy.Principal);
        var resources = Types(policy.Resource);
        var actions = Actions(policy.Action);
        if (actions.Any(a => a.Principals.Any(principals.Contains) && a.Resources.Any(resources.Contains))) return;
        var help = InWouldDo(policy.Principal, "principal", actions.SelectMany(a => a.Principals))
            ?? InWouldDo(policy.Resource, "resource", actions.SelectMany(a => a.Resources))
            ?? "look in the schema for the types that the action applies to";
        report.Error(policy.Span, "no action applies to such a principal and such a resource, so the policy never applies", help);
    }

    private HashSet<EntityType> Types(ScopeConstraint scope) => scope switch
    {
        EqualScope { Entity.Uid: { } uid } => [uid.Type],
        InScope { Entity.Uid: { } uid } => Within(uid.Type),
        IsScope { Entity.Uid: { } uid } typed => Within(uid.Type).Contains(typed.Type) ? [typed.Type] : [],
        IsScope typed => schema.Knows(typed.Type) ? [typed.Type] : [],
        _ => [.. schema.EntityTypes],
    };

    private HashSet<EntityType> Within(EntityType type) => [type, .. schema.Find(type)?.Descendants ?? []];

    private List<SchemaAction> Actions(ScopeConstraint scope)
    {
        switch (scope)
        {
            case EqualScope { Entity.Uid: { } uid }:
                return schema.Find(uid) is { } action ? [action] : [];
            case InScope { Entity.Uid: { } uid }:
                return Within([uid]);
            case InSetScope set:
                return Within(set.Entities);
            default:
                return [.. schema.ActionList];
        }
    }

    // One group that is not declared leaves none at all, as Cedar has it; it is reported by itself.
    private List<SchemaAction> Within(IReadOnlyCollection<EntityUid> groups)
    {
        var found = groups.Select(schema.Find).ToList();
        return found.Contains(null) ? [] : [.. found.SelectMany(g => g!.Descendants.Select(schema.Find).Append(g)).OfType<SchemaAction>()];
    }

    // `principal == Group::"x"` where `principal in Group::"x"` is meant.
    private string? InWouldDo(ScopeConstraint scope, string variable, IEnumerable<EntityType> applicable) =>
        scope is EqualScope { Entity.Uid: { } uid } && schema.Find(uid.Type) is { } type && !applicable.Contains(uid.Type) && applicable.Any(type.Descendants.Contains)
            ? $"write {variable} in {uid}"
            : null;
}
