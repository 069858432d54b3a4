using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>A schema with every name looked up: what the validator, the evaluator's callers and the readers of entities ask. Immutable.</summary>
public sealed class CedarSchema
{
    private readonly FrozenDictionary<EntityType, SchemaEntityType> entityTypes;
    private readonly FrozenDictionary<EntityUid, SchemaAction> actions;

    internal CedarSchema(IEnumerable<SchemaEntityType> entityTypes, IEnumerable<SchemaAction> actions)
    {
        this.entityTypes = entityTypes.ToFrozenDictionary(t => t.Name);
        this.actions = actions.ToFrozenDictionary(a => a.Uid);
    }

    /// <summary>The names of the declared entity types.</summary>
    public ImmutableArray<EntityType> EntityTypes => entityTypes.Keys;

    /// <summary>The declared actions, groups included.</summary>
    public ImmutableArray<EntityUid> Actions => actions.Keys;

    internal ImmutableArray<SchemaEntityType> EntityTypeList => entityTypes.Values;

    internal ImmutableArray<SchemaAction> ActionList => actions.Values;

    /// <summary>Makes a schema of fragments, each of which may use what another declares.</summary>
    /// <param name="fragments">At least none; two may declare in one namespace.</param>
    /// <param name="diagnostics">Takes every error.</param>
    /// <returns>The schema; null after an error.</returns>
    public static CedarSchema? Resolve(IEnumerable<SchemaFragment> fragments, ICollection<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(fragments);
        ArgumentNullException.ThrowIfNull(diagnostics);
        return SchemaResolver.Resolve(fragments, diagnostics);
    }

    /// <summary>Reads a schema of the Cedar form.</summary>
    /// <param name="source">The text.</param>
    /// <param name="diagnostics">Takes every error and warning.</param>
    /// <returns>The schema; null after an error.</returns>
    public static CedarSchema? Parse(SourceText source, ICollection<Diagnostic> diagnostics) =>
        SchemaFragment.Parse(source, diagnostics) is { } fragment ? Resolve([fragment], diagnostics) : null;

    /// <summary>Reads a schema of the JSON form.</summary>
    /// <param name="json">The text.</param>
    /// <param name="diagnostics">Takes every error; their messages say at what path.</param>
    /// <returns>The schema; null after an error.</returns>
    public static CedarSchema? ParseJson(string json, ICollection<Diagnostic> diagnostics) =>
        SchemaFragment.ParseJson(json, diagnostics) is { } fragment ? Resolve([fragment], diagnostics) : null;

    /// <summary>The declared actions as entities, each in its groups.</summary>
    public IEnumerable<Entity> ActionEntities() => ActionList.Select(static a => new Entity(a.Uid, parents: a.Ancestors));

    internal SchemaEntityType? Find(EntityType type) => entityTypes.GetValueOrDefault(type);

    internal SchemaAction? Find(EntityUid action) => actions.GetValueOrDefault(action);

    /// <summary>Whether there are entities of that type: it is declared, or it is a type of actions, of which each is declared.</summary>
    internal bool Knows(EntityType type) => type.IsAction || entityTypes.ContainsKey(type);
}

/// <summary>An entity type of a schema.</summary>
internal sealed record SchemaEntityType(EntityType Name)
{
    public required RecordType Attributes { get; init; }

    /// <summary>The type of its tags; null when it has none.</summary>
    public required CedarType? Tags { get; init; }

    /// <summary>All ids of an enumerated type; empty for another.</summary>
    public required ImmutableArray<string> Choices { get; init; }

    /// <summary>The types of which an entity may be in one of this type; this one too when it may be in itself.</summary>
    public required FrozenSet<EntityType> Descendants { get; init; }

    /// <summary>The types in whose entities one of this type may be.</summary>
    public required FrozenSet<EntityType> Ancestors { get; init; }

    /// <summary>Whether there is an entity of that id as far as the type goes.</summary>
    public bool Allows(string id) => Choices.IsEmpty || Choices.Contains(id);
}

/// <summary>An action of a schema.</summary>
internal sealed record SchemaAction(EntityUid Uid)
{
    public required ImmutableArray<EntityType> Principals { get; init; }

    public required ImmutableArray<EntityType> Resources { get; init; }

    public required RecordType Context { get; init; }

    /// <summary>The actions in it.</summary>
    public required FrozenSet<EntityUid> Descendants { get; init; }

    /// <summary>The groups that it is in.</summary>
    public required FrozenSet<EntityUid> Ancestors { get; init; }
}
