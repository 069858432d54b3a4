namespace Moat.Cedar;

/// <summary>
/// The kinds of requests for which a policy's conditions have to be checked: those for which its scope can hold. The scope's
/// parts speak of one variable each, so each is asked once for each type, not once for each kind of request.
/// </summary>
internal sealed class PolicyEnvironments(CedarSchema schema, Policy policy, CorePolicy core, bool strict, ValidationReport report)
{
    private readonly Dictionary<EntityType, List<EntityType?>> principals = [];
    private readonly Dictionary<EntityType, List<EntityType?>> resources = [];

    public IEnumerable<RequestEnvironment> All() =>
        from action in schema.ActionList
        where CanHold(core.Action, new RequestEnvironment(default, action, default, null, null))
        from principal in action.Principals
        from principalSlot in Principal(action, principal)
        from resource in action.Resources
        from resourceSlot in Resource(action, resource)
        select new RequestEnvironment(principal, action, resource, principalSlot, resourceSlot);

    // The types of what may fill the slot, a single null without a slot; none when the scope cannot hold.
    private List<EntityType?> Principal(SchemaAction action, EntityType type)
    {
        if (!principals.TryGetValue(type, out var slots))
        {
            slots = [.. Links(type, policy.Principal).Where(slot => CanHold(core.Principal, new RequestEnvironment(type, action, default, slot, null)))];
            principals.Add(type, slots);
        }

        return slots;
    }

    private List<EntityType?> Resource(SchemaAction action, EntityType type)
    {
        if (!resources.TryGetValue(type, out var slots))
        {
            slots = [.. Links(type, policy.Resource).Where(slot => CanHold(core.Resource, new RequestEnvironment(default, action, type, null, slot)))];
            resources.Add(type, slots);
        }

        return slots;
    }

    private bool CanHold(CoreNode part, RequestEnvironment environment) => new TypeChecker(schema, environment, strict, report).CanHold(part);

    private IEnumerable<EntityType?> Links(EntityType variable, ScopeConstraint scope)
    {
        if (scope.Slot is null) return [null];
        if (scope is EqualScope) return [variable];
        return schema.EntityTypeList.Where(t => t.Name != variable && t.Descendants.Contains(variable)).Select(t => (EntityType?)t.Name).Append(variable);
    }
}
