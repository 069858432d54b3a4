namespace Moat.Cedar;

/// <summary>The types of one kind of request that a schema allows, and of what fills a template's slots.</summary>
/// <param name="Principal">The principal's type.</param>
/// <param name="Action">The action.</param>
/// <param name="Resource">The resource's type.</param>
/// <param name="PrincipalSlot">What fills <c>?principal</c>; null when the policy has no such slot.</param>
/// <param name="ResourceSlot">What fills <c>?resource</c>; null when the policy has no such slot.</param>
internal sealed record RequestEnvironment(EntityType Principal, SchemaAction Action, EntityType Resource, EntityType? PrincipalSlot, EntityType? ResourceSlot);
