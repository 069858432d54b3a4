namespace Moat.Cedar;

/// <summary>The types of one kind of request that a schema allows, and of what fills a template's slots.</summary>
/// <param name="Principal">The principal's type.</param>
/// <param name="Action">The action.</param>
/// <param name="Resource">The resource's type.</param>
/// <param name="PrincipalSlot">What fills <c>?principal</c>; null when the policy has no such slot.</param>
/// <param name="ResourceSlot">What fills <c>?resource</c>; null when the policy has no such slot.</param>
internal sealed record RequestEnvironment(EntityType Principal, SchemaAction Action, EntityType Resource, EntityType? PrincipalSlot, EntityType? ResourceSlot)
{
    /// <summary>All of them that a policy has to be checked for.</summary>
    public static IEnumerable<RequestEnvironment> Of(CedarSchema schema, Policy policy) =>
        from action in schema.ActionList
        from principal in action.Principals
        from resource in action.Resources
        from principalSlot in Links(schema, principal, policy.Principal)
        from resourceSlot in Links(schema, resource, policy.Resource)
        select new RequestEnvironment(principal, action, resource, principalSlot, resourceSlot);

    // Types with which the scope cannot hold need no check.
    private static IEnumerable<EntityType?> Links(CedarSchema schema, EntityType variable, ScopeConstraint scope)
    {
        if (scope.Slot is null) return [null];
        if (scope is EqualScope) return [variable];
        return schema.EntityTypeList.Where(t => t.Name != variable && t.Descendants.Contains(variable)).Select(t => (EntityType?)t.Name).Append(variable);
    }
}
