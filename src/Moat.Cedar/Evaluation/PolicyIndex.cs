namespace Moat.Cedar;

/// <summary>
/// Finds the policies that may apply to a request, or fail, without looking at the others. Every policy stands in cells of one
/// <see cref="CellShape"/>: for an entity that the resource or else the principal must be or be in, for the action, the types,
/// and the text of an attribute. A request looks into the cells of its own entities and of all that they are in, once for each
/// shape there is.
/// </summary>
internal sealed class PolicyIndex
{
    // A policy with more cells than this stands in fewer, wider ones.
    private const int MaxCells = 128;
    private static readonly EntityUid?[] NoEntity = [null];
    private static readonly string?[] NoText = [null];
    private readonly Group[] groups;

    public PolicyIndex(IEnumerable<CompiledPolicy> policies)
    {
        groups = [.. policies.GroupBy(static p => ShapeOf(p.Keys)).Select(static g => new Group(g.Key, [.. g]))];
    }

    /// <summary>Calls the visitor for every policy that may apply or fail; for one of several cells perhaps more than once.</summary>
    public void Visit(EvaluationContext context, AuthorizationResult visitor)
    {
        foreach (var group in groups)
        {
            string? text = null;
            if (group.Shape.Attribute is { } attribute)
            {
                // Without the attribute each of them may fail, which is to be reported; of another kind it equals no text.
                if (!context.TryGetAttribute(group.Shape.AttributeOf, attribute, out var value)) VisitAll(group.Policies, visitor);
                text = value.AsString();
                if (text is null) continue;
            }

            Visit(context, visitor, group, text);
        }
    }

    private static void Visit(EvaluationContext context, AuthorizationResult visitor, Group group, string? text)
    {
        var shape = group.Shape;
        var resources = shape.Resource ? context.ResourceAncestors : default;
        var principals = shape.Principal ? context.PrincipalAncestors : default;
        var actions = shape.Action ? context.ActionAncestors : default;
        var resourceType = shape.ResourceType ? context.Resource.Type.Name : null;
        var principalType = shape.PrincipalType ? context.Principal.Type.Name : null;

        // The index -1 stands for the entity itself, or for none when the shape does not ask.
        for (var r = -1; r < resources.Length; r++)
        {
            var resource = !shape.Resource ? null : r < 0 ? context.Resource : resources[r];
            for (var p = -1; p < principals.Length; p++)
            {
                var principal = !shape.Principal ? null : p < 0 ? context.Principal : principals[p];
                for (var a = -1; a < actions.Length; a++)
                {
                    var action = !shape.Action ? null : a < 0 ? context.Action : actions[a];
                    if (group.Cells.TryGetValue(new CellKey(resource, principal, action, resourceType, principalType, text), out var cell)) VisitAll(cell, visitor);
                }
            }
        }
    }

    private static void VisitAll(CompiledPolicy[] policies, AuthorizationResult visitor)
    {
        foreach (var policy in policies) visitor.Visit(policy);
    }

    // One of resource and principal is enough; with both, the walk over what each is in would be multiplied.
    private static CellShape ShapeOf(PolicyKeys keys)
    {
        var left = MaxCells;
        var resource = Count(keys, Variable.Resource) <= Count(keys, Variable.Principal) && Takes(Count(keys, Variable.Resource), ref left);
        var principal = !resource && Takes(Count(keys, Variable.Principal), ref left);
        var attribute = keys.Attribute is { } key && Takes(key.Texts.Length, ref left) ? key : null;
        return new CellShape
        {
            Resource = resource,
            Principal = principal,
            Attribute = attribute?.Name,
            AttributeOf = attribute?.Variable ?? default,
            Action = Takes(Count(keys, Variable.Action), ref left),
            ResourceType = !resource && keys.Type(Variable.Resource) is not null,
            PrincipalType = !principal && keys.Type(Variable.Principal) is not null,
        };
    }

    // Whether there is room for as many alternatives in each of the cells so far.
    private static bool Takes(int alternatives, ref int left)
    {
        if (alternatives > left) return false;
        left /= Math.Max(alternatives, 1);
        return true;
    }

    private static int Count(PolicyKeys keys, Variable variable) => keys.Entities(variable)?.Length ?? int.MaxValue;

    private static IEnumerable<CellKey> KeysOf(PolicyKeys keys, CellShape shape)
    {
        var resourceType = shape.ResourceType ? keys.Type(Variable.Resource) : null;
        var principalType = shape.PrincipalType ? keys.Type(Variable.Principal) : null;
        return from resource in Alternatives(keys, shape.Resource, Variable.Resource)
               from principal in Alternatives(keys, shape.Principal, Variable.Principal)
               from action in Alternatives(keys, shape.Action, Variable.Action)
               from text in shape.Attribute is null ? NoText : keys.Attribute!.Texts
               select new CellKey(resource, principal, action, resourceType, principalType, text);
    }

    private static EntityUid?[] Alternatives(PolicyKeys keys, bool isAsked, Variable variable) => isAsked ? keys.Entities(variable)! : NoEntity;

    private readonly record struct CellKey(
        EntityUid? Resource, EntityUid? Principal, EntityUid? Action, string? ResourceType, string? PrincipalType, string? Text);

    /// <summary>The policies of one shape, and their cells.</summary>
    private sealed class Group(CellShape shape, CompiledPolicy[] policies)
    {
        public CellShape Shape => shape;

        public CompiledPolicy[] Policies => policies;

        public Dictionary<CellKey, CompiledPolicy[]> Cells { get; } = policies
            .SelectMany(p => KeysOf(p.Keys, shape), static (policy, key) => (policy, key))
            .GroupBy(static p => p.key, static p => p.policy)
            .ToDictionary(static g => g.Key, static g => g.ToArray());
    }
}
