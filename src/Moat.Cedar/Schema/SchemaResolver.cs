using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Makes a schema of what fragments declare.</summary>
internal sealed class SchemaResolver
{
    private readonly SchemaProblems problems;
    private readonly SchemaDefinitions definitions;
    private readonly SchemaTypeResolver types;

    private SchemaResolver(IEnumerable<SchemaFragment> fragments, ICollection<Diagnostic> diagnostics)
    {
        problems = new SchemaProblems(diagnostics);
        definitions = new SchemaDefinitions(fragments, problems);
        types = new SchemaTypeResolver(definitions, problems);
    }

    public static CedarSchema? Resolve(IEnumerable<SchemaFragment> fragments, ICollection<Diagnostic> diagnostics)
    {
        var resolver = new SchemaResolver(fragments, diagnostics);
        if (resolver.problems.Any) return null;
        resolver.types.ResolveCommon();
        var entityTypes = resolver.EntityTypes();
        var actions = resolver.Actions();
        return resolver.problems.Any ? null : new CedarSchema(entityTypes, actions);
    }

    private List<SchemaEntityType> EntityTypes()
    {
        var parents = new Dictionary<EntityType, ImmutableArray<EntityType>>();
        foreach (var (name, (scope, declaration)) in definitions.EntityTypes)
        {
            parents.Add(EntityType.Checked(name), Names(scope, declaration.Parents));
        }

        var hierarchy = new SchemaHierarchy<EntityType>(parents);
        var resolved = new List<SchemaEntityType>();
        foreach (var (name, (scope, declaration)) in definitions.EntityTypes)
        {
            var type = EntityType.Checked(name);
            var shape = types.ResolveRecord(scope, declaration.Shape, $"the shape of `{name}`");
            var tags = declaration.Tags is null ? null : types.Resolve(scope, declaration.Tags);
            resolved.Add(new SchemaEntityType(type)
            {
                Attributes = shape ?? RecordType.Empty,
                Tags = tags,
                Choices = declaration.Choices,
                Descendants = hierarchy.Descendants(type),
                Ancestors = hierarchy.Ancestors(type),
            });
        }

        return resolved;
    }

    private List<SchemaAction> Actions()
    {
        var groups = new Dictionary<EntityUid, ImmutableArray<EntityUid>>();
        foreach (var (uid, (scope, declaration)) in definitions.Actions)
        {
            groups.Add(uid, [.. declaration.Groups.Select(g => definitions.Find(scope, g)).OfType<EntityUid>()]);
        }

        var hierarchy = new SchemaHierarchy<EntityUid>(groups);
        var resolved = new List<SchemaAction>();
        foreach (var (uid, (scope, declaration)) in definitions.Actions)
        {
            var descendants = hierarchy.Descendants(uid);
            if (descendants.Contains(uid)) problems.Error(scope, declaration.NameSpan, $"the action {uid} is in itself", "take one of the groups on the way out");
            var applies = declaration.AppliesTo ?? ActionApplication.Nothing;
            resolved.Add(new SchemaAction(uid)
            {
                Principals = [.. Names(scope, applies.Principals).Distinct()],
                Resources = [.. Names(scope, applies.Resources).Distinct()],
                Context = types.ResolveRecord(scope, applies.Context, $"the context of {uid}") ?? RecordType.Empty,
                Descendants = descendants,
                Ancestors = hierarchy.Ancestors(uid),
            });
        }

        return resolved;
    }

    // Entity types that are declared: an action's type is one too, but nothing is in it and no request is about it.
    private ImmutableArray<EntityType> Names(SchemaScope scope, ImmutableArray<SchemaName> names)
    {
        var found = ImmutableArray.CreateBuilder<EntityType>(names.Length);
        foreach (var name in names)
        {
            if (definitions.Find(scope, name.Name, name.Span, common: false, entity: true) is not { } full) continue;
            if (definitions.EntityTypes.ContainsKey(full)) found.Add(EntityType.Checked(full));
            else problems.Error(scope, name.Span, $"`{full}` is the type of actions, which cannot stand here");
        }

        return found.ToImmutable();
    }
}

/// <summary>Who is in whom, through any number of steps.</summary>
internal sealed class SchemaHierarchy<T>
    where T : notnull
{
    private readonly Dictionary<T, List<T>> children = [];
    private readonly Dictionary<T, List<T>> parents = [];

    public SchemaHierarchy(Dictionary<T, ImmutableArray<T>> parentsOf)
    {
        foreach (var (child, above) in parentsOf)
        {
            parents[child] = [.. above];
            foreach (var parent in above)
            {
                if (!children.TryGetValue(parent, out var below)) children.Add(parent, below = []);
                below.Add(child);
            }
        }
    }

    public FrozenSet<T> Descendants(T of) => Reach(of, children);

    public FrozenSet<T> Ancestors(T of) => Reach(of, parents);

    private static FrozenSet<T> Reach(T from, Dictionary<T, List<T>> edges)
    {
        var reached = new HashSet<T>();
        var open = new Stack<T>([from]);
        while (open.TryPop(out var at))
        {
            if (!edges.TryGetValue(at, out var next)) continue;
            foreach (var one in next)
            {
                if (reached.Add(one)) open.Push(one);
            }
        }

        return reached.Count == 0 ? FrozenSet<T>.Empty : reached.ToFrozenSet();
    }
}
