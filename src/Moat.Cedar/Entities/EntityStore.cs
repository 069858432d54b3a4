using System.Diagnostics.CodeAnalysis;

namespace Moat.Cedar;

/// <summary>
/// The entities that a request is decided with, each once, with all that it is in worked out. Immutable. What an entity is in
/// may be missing here; being in it counts all the same.
/// </summary>
public sealed class EntityStore
{
    private readonly Dictionary<EntityUid, StoredEntity> entities;

    // Entities that were added later and in which none of the others is, so that the others stay as they are.
    private readonly Dictionary<EntityUid, StoredEntity>? added;
    private readonly Lazy<HashSet<EntityUid>> ancestors;

    private EntityStore(Dictionary<EntityUid, StoredEntity> entities)
    {
        this.entities = entities;
        ancestors = new Lazy<HashSet<EntityUid>>(() => AncestorsOf(entities));
    }

    private EntityStore(EntityStore below, Dictionary<EntityUid, StoredEntity> added)
    {
        entities = below.entities;
        ancestors = below.ancestors;
        this.added = added;
    }

    /// <summary>A store of nothing.</summary>
    public static EntityStore Empty { get; } = new([]);

    /// <summary>The number of entities.</summary>
    public int Count => entities.Count + (added?.Count ?? 0);

    /// <summary>The entities, in no order.</summary>
    public IEnumerable<Entity> Entities => entities.Values.Concat(added?.Values.AsEnumerable() ?? []).Select(static e => e.Entity);

    /// <summary>A store of the entities.</summary>
    /// <exception cref="CedarException">One is given twice with different content, or one is in itself.</exception>
    public static EntityStore Create(params IEnumerable<Entity> entities)
    {
        ArgumentNullException.ThrowIfNull(entities);
        return Build([], entities);
    }

    /// <summary>This store with more entities. Costs no more than what is added, as long as nothing here is in it.</summary>
    /// <inheritdoc cref="Create"/>
    public EntityStore Add(params IEnumerable<Entity> more)
    {
        ArgumentNullException.ThrowIfNull(more);
        var known = added?.Values.ToDictionary(static e => e.Entity.Uid, static e => e.Entity) ?? [];
        Entity[] fresh = [.. more];
        if (fresh.Any(e => entities.ContainsKey(e.Uid) || ancestors.Value.Contains(e.Uid))) return Build(Entities.ToDictionary(static e => e.Uid), fresh);
        Join(known, fresh);
        return new EntityStore(this, new AncestorWalk(known, entities).Run());
    }

    /// <summary>The entity of that identity, or null.</summary>
    public Entity? Find(EntityUid uid) => TryFind(uid, out var stored) ? stored.Entity : null;

    /// <summary>Whether the first is the second, or in it.</summary>
    public bool IsIn(EntityUid uid, EntityUid ancestor)
    {
        ArgumentNullException.ThrowIfNull(uid);
        return uid.Equals(ancestor) || (TryFind(uid, out var stored) && stored.IsIn(ancestor));
    }

    /// <summary>All that the entity is in, directly or not, itself left out; empty for an entity that is not stored.</summary>
    public ReadOnlySpan<EntityUid> Ancestors(EntityUid uid) => TryFind(uid, out var stored) ? stored.Ancestors : default;

    internal bool TryFind(EntityUid uid, [NotNullWhen(true)] out StoredEntity? stored) =>
        (added is not null && added.TryGetValue(uid, out stored)) || entities.TryGetValue(uid, out stored);

    private static EntityStore Build(Dictionary<EntityUid, Entity> known, IEnumerable<Entity> more)
    {
        Join(known, more);
        return known.Count == 0 ? Empty : new EntityStore(new AncestorWalk(known, []).Run());
    }

    private static void Join(Dictionary<EntityUid, Entity> known, IEnumerable<Entity> more)
    {
        foreach (var entity in more)
        {
            if (known.TryAdd(entity.Uid, entity)) continue;
            if (!known[entity.Uid].Says(entity)) throw new CedarException($"the entity {entity.Uid} is given twice, with different content");
        }
    }

    private static HashSet<EntityUid> AncestorsOf(Dictionary<EntityUid, StoredEntity> entities)
    {
        var all = new HashSet<EntityUid>();
        foreach (var stored in entities.Values) all.UnionWith(stored.Entity.Parents);
        return all;
    }
}
