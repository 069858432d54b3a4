using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

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

    /// <summary>Reads a schema of the Cedar form.</summary>
    /// <exception cref="CedarException">The text is not in order; it holds every error of it.</exception>
    public static CedarSchema Parse(string text, string? name = null) =>
        TryParse(new SourceText(text, name), out var schema, out var diagnostics) ? schema : throw new CedarException(diagnostics);

    /// <summary>Reads a schema of the Cedar form.</summary>
    /// <param name="source">The text.</param>
    /// <param name="schema">The schema; null when the text is not in order.</param>
    /// <param name="diagnostics">Every error and warning.</param>
    public static bool TryParse(SourceText source, [NotNullWhen(true)] out CedarSchema? schema, out IReadOnlyList<Diagnostic> diagnostics)
    {
        schema = null;
        if (!SchemaFragment.TryParse(source, out var fragment, out diagnostics)) return false;
        var warnings = diagnostics;
        TryResolve([fragment], out schema, out var errors);
        diagnostics = [.. warnings, .. errors];
        return schema is not null;
    }

    /// <summary>Reads a schema of the JSON form.</summary>
    /// <param name="json">The text.</param>
    /// <param name="schema">The schema; null when the text is not in order.</param>
    /// <param name="diagnostics">Every error; their messages say at what path.</param>
    public static bool TryParseJson(string json, [NotNullWhen(true)] out CedarSchema? schema, out IReadOnlyList<Diagnostic> diagnostics)
    {
        schema = null;
        return SchemaFragment.TryParseJson(json, out var fragment, out diagnostics) && TryResolve([fragment], out schema, out diagnostics);
    }

    /// <summary>Makes a schema of fragments, each of which may use what another declares; two may declare in one namespace.</summary>
    /// <param name="fragments">The fragments.</param>
    /// <param name="schema">The schema; null when they do not make one.</param>
    /// <param name="diagnostics">Every error.</param>
    public static bool TryResolve(IEnumerable<SchemaFragment> fragments, [NotNullWhen(true)] out CedarSchema? schema, out IReadOnlyList<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(fragments);
        var found = new List<Diagnostic>();
        schema = SchemaResolver.Resolve(fragments, found);
        diagnostics = found;
        return schema is not null;
    }

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
