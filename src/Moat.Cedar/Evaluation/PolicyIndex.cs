namespace Moat.Cedar;

/// <summary>
/// Finds the policies that may apply to a request without looking at the others. Every policy stands in a cell for what it
/// asks of the request: an entity that the resource or else the principal must be or be in, the action, and the types. A
/// request looks into the cells of its own entities and of all that they are in, once for each shape of cell there is.
/// </summary>
internal sealed class PolicyIndex
{
    // A policy with more cells than this stands in fewer, wider ones.
    private const int MaxCells = 128;
    private static readonly EntityUid?[] NoEntity = [null];
    private readonly Dictionary<CellKey, CompiledPolicy[]> cells;
    private readonly Shape[] shapes;

    public PolicyIndex(IEnumerable<CompiledPolicy> policies)
    {
        var building = new Dictionary<CellKey, List<CompiledPolicy>>();
        var found = new HashSet<Shape>();
        foreach (var policy in policies)
        {
            var shape = ShapeOf(policy.Keys);
            found.Add(shape);
            foreach (var key in KeysOf(policy.Keys, shape))
            {
                if (!building.TryGetValue(key, out var cell)) building.Add(key, cell = []);
                cell.Add(policy);
            }
        }

        cells = building.ToDictionary(static c => c.Key, static c => c.Value.ToArray());
        shapes = [.. found];
    }

    /// <summary>Calls the visitor for every policy that may apply; for one of several cells perhaps more than once.</summary>
    public void Visit(EvaluationContext context, AuthorizationResult visitor)
    {
        foreach (var shape in shapes)
        {
            var resources = Has(shape, Shape.Resource) ? context.ResourceAncestors : default;
            var principals = Has(shape, Shape.Principal) ? context.PrincipalAncestors : default;
            var actions = Has(shape, Shape.Action) ? context.ActionAncestors : default;
            var key = new CellKey(
                null,
                null,
                null,
                Has(shape, Shape.ResourceType) ? context.Resource.Type.Name : null,
                Has(shape, Shape.PrincipalType) ? context.Principal.Type.Name : null);

            // The index -1 stands for the entity itself, or for none when the shape does not ask.
            for (var r = -1; r < resources.Length; r++)
            {
                if (Has(shape, Shape.Resource)) key = key with { Resource = r < 0 ? context.Resource : resources[r] };
                for (var p = -1; p < principals.Length; p++)
                {
                    if (Has(shape, Shape.Principal)) key = key with { Principal = p < 0 ? context.Principal : principals[p] };
                    for (var a = -1; a < actions.Length; a++)
                    {
                        if (Has(shape, Shape.Action)) key = key with { Action = a < 0 ? context.Action : actions[a] };
                        if (!cells.TryGetValue(key, out var cell)) continue;
                        foreach (var policy in cell) visitor.Visit(policy);
                    }
                }
            }
        }
    }

    // One of resource and principal is enough; with both, the walk over what each is in would be multiplied.
    private static Shape ShapeOf(PolicyKeys keys)
    {
        var (resources, principals, actions) = (Count(keys, Variable.Resource), Count(keys, Variable.Principal), Count(keys, Variable.Action));
        var shape = default(Shape);
        if (resources <= MaxCells && resources <= principals) shape |= Shape.Resource;
        else if (principals <= MaxCells) shape |= Shape.Principal;
        var cellsSoFar = Has(shape, Shape.Resource) ? resources : Has(shape, Shape.Principal) ? principals : 1;
        if (actions <= MaxCells / Math.Max(cellsSoFar, 1)) shape |= Shape.Action;
        if (!Has(shape, Shape.Resource) && keys.Type(Variable.Resource) is not null) shape |= Shape.ResourceType;
        if (!Has(shape, Shape.Principal) && keys.Type(Variable.Principal) is not null) shape |= Shape.PrincipalType;
        return shape;
    }

    private static int Count(PolicyKeys keys, Variable variable) => keys.Entities(variable)?.Length ?? int.MaxValue;

    private static IEnumerable<CellKey> KeysOf(PolicyKeys keys, Shape shape)
    {
        foreach (var resource in Alternatives(keys, shape, Shape.Resource, Variable.Resource))
        {
            foreach (var principal in Alternatives(keys, shape, Shape.Principal, Variable.Principal))
            {
                foreach (var action in Alternatives(keys, shape, Shape.Action, Variable.Action))
                {
                    yield return new CellKey(
                        resource,
                        principal,
                        action,
                        Has(shape, Shape.ResourceType) ? keys.Type(Variable.Resource) : null,
                        Has(shape, Shape.PrincipalType) ? keys.Type(Variable.Principal) : null);
                }
            }
        }
    }

    private static EntityUid?[] Alternatives(PolicyKeys keys, Shape shape, Shape flag, Variable variable) =>
        Has(shape, flag) ? keys.Entities(variable)! : NoEntity;

    // HasFlag allocates until the code is optimised.
    private static bool Has(Shape shape, Shape flag) => (shape & flag) != 0;

    [Flags]
    private enum Shape
    {
        Resource = 1,
        Principal = 2,
        Action = 4,
        ResourceType = 8,
        PrincipalType = 16,
    }

    private readonly record struct CellKey(EntityUid? Resource, EntityUid? Principal, EntityUid? Action, string? ResourceType, string? PrincipalType);
}
