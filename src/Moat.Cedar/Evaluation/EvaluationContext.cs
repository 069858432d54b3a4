namespace Moat.Cedar;

/// <summary>What a condition yields.</summary>
internal enum Truth : byte
{
    False,
    True,

    /// <summary>It has no value; <see cref="EvaluationContext.Error"/> says why.</summary>
    Error,
}

/// <summary>One request while policies are evaluated for it. Reused from request to request, by one thread at a time.</summary>
internal sealed class EvaluationContext
{
    private StoredEntity? principalEntity;
    private StoredEntity? actionEntity;
    private StoredEntity? resourceEntity;

    public EntityUid Principal { get; private set; } = null!;

    public EntityUid Action { get; private set; } = null!;

    public EntityUid Resource { get; private set; } = null!;

    public CedarRecord Context { get; private set; } = CedarRecord.Empty;

    public EntityStore Entities { get; private set; } = EntityStore.Empty;

    public EvaluationError Error { get; private set; }

    public ReadOnlySpan<EntityUid> PrincipalAncestors => principalEntity is null ? default : principalEntity.Ancestors;

    public ReadOnlySpan<EntityUid> ActionAncestors => actionEntity is null ? default : actionEntity.Ancestors;

    public ReadOnlySpan<EntityUid> ResourceAncestors => resourceEntity is null ? default : resourceEntity.Ancestors;

    public void Begin(Request request, EntityStore entities)
    {
        Principal = request.Principal;
        Action = request.Action;
        Resource = request.Resource;
        Context = request.Context;
        Entities = entities;
        Error = default;
        entities.TryFind(Principal, out principalEntity);
        entities.TryFind(Action, out actionEntity);
        entities.TryFind(Resource, out resourceEntity);
    }

    /// <summary>The entity, or null; the request's own without a look into the store.</summary>
    public StoredEntity? Find(EntityUid uid)
    {
        if (ReferenceEquals(uid, Resource)) return resourceEntity;
        if (ReferenceEquals(uid, Principal)) return principalEntity;
        if (ReferenceEquals(uid, Action)) return actionEntity;
        Entities.TryFind(uid, out var stored);
        return stored;
    }

    public bool IsIn(EntityUid uid, EntityUid ancestor) => uid.Equals(ancestor) || (Find(uid)?.IsIn(ancestor) ?? false);

    public void Fail(EvaluationErrorKind kind, Node at, CedarValue value = default, string? name = null) =>
        Error = new EvaluationError(null, kind, at.Source, value, name);

    /// <summary>Keeps the error and gives <see cref="Truth.Error"/>.</summary>
    public Truth FailTruth(EvaluationErrorKind kind, Node at, CedarValue value = default, string? name = null)
    {
        Fail(kind, at, value, name);
        return Truth.Error;
    }
}
