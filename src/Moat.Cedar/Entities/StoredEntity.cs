namespace Moat.Cedar;

/// <summary>An entity of a store with all that it is in.</summary>
internal sealed class StoredEntity
{
    // Up to here a walk over the array is as fast as a hash.
    private const int WalkLimit = 6;
    private readonly EntityUid[] ancestors;
    private readonly HashSet<EntityUid>? table;

    public StoredEntity(Entity entity, HashSet<EntityUid> ancestors)
    {
        Entity = entity;
        this.ancestors = [.. ancestors];
        table = ancestors.Count > WalkLimit ? ancestors : null;
    }

    public Entity Entity { get; }

    public ReadOnlySpan<EntityUid> Ancestors => ancestors;

    public bool IsIn(EntityUid ancestor)
    {
        if (table is not null) return table.Contains(ancestor);
        foreach (var candidate in ancestors)
        {
            if (candidate.Equals(ancestor)) return true;
        }

        return false;
    }
}
