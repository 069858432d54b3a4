namespace Moat.Cedar;

/// <summary>
/// Works out what every entity is in: a walk over the parents that finishes an entity after all of its parents. It keeps its
/// own stack, since a hierarchy may be deeper than the machine's.
/// </summary>
/// <param name="entities">The entities to finish.</param>
/// <param name="finished">Others, of which it is known already.</param>
internal sealed class AncestorWalk(Dictionary<EntityUid, Entity> entities, Dictionary<EntityUid, StoredEntity> finished)
{
    private readonly Dictionary<EntityUid, StoredEntity> done = new(entities.Count);
    private readonly HashSet<EntityUid> open = [];

    /// <summary>The entities with their ancestors.</summary>
    /// <exception cref="CedarException">An entity is in itself.</exception>
    public Dictionary<EntityUid, StoredEntity> Run()
    {
        foreach (var entity in entities.Values)
        {
            if (!done.ContainsKey(entity.Uid)) Walk(entity);
        }

        return done;
    }

    private void Walk(Entity first)
    {
        var stack = new Stack<(Entity Entity, IEnumerator<EntityUid> Parents)>();
        Enter(stack, first);
        while (stack.TryPeek(out var top))
        {
            if (!top.Parents.MoveNext())
            {
                stack.Pop();
                Finish(top.Entity);
            }
            else if (!done.ContainsKey(top.Parents.Current) && entities.TryGetValue(top.Parents.Current, out var parent))
            {
                Enter(stack, parent);
            }
        }
    }

    private void Enter(Stack<(Entity, IEnumerator<EntityUid>)> stack, Entity entity)
    {
        if (!open.Add(entity.Uid)) throw new CedarException($"the entity {entity.Uid} is in itself");
        stack.Push((entity, entity.Parents.GetEnumerator()));
    }

    private void Finish(Entity entity)
    {
        var ancestors = new HashSet<EntityUid>();
        foreach (var parent in entity.Parents)
        {
            ancestors.Add(parent);
            if (!done.TryGetValue(parent, out var stored) && !finished.TryGetValue(parent, out stored)) continue;
            foreach (var ancestor in stored.Ancestors) ancestors.Add(ancestor);
        }

        open.Remove(entity.Uid);
        done.Add(entity.Uid, new StoredEntity(entity, ancestors));
    }
}
