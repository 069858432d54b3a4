using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>The slots that a template may have.</summary>
public enum Slot
{
    /// <summary><c>?principal</c>, in the principal's scope alone.</summary>
    Principal,

    /// <summary><c>?resource</c>, in the resource's scope alone.</summary>
    Resource,
}

/// <summary>An entity in a scope, or the slot that an entity will fill.</summary>
public readonly record struct EntityOrSlot
{
    private readonly Slot slot;

    /// <summary>An entity.</summary>
    public EntityOrSlot(EntityUid uid) => Uid = uid;

    /// <summary>A slot.</summary>
    public EntityOrSlot(Slot slot) => this.slot = slot;

    /// <summary>The entity; null for a slot.</summary>
    public EntityUid? Uid { get; }

    /// <summary>The slot; null for an entity.</summary>
    public Slot? Slot => Uid is null ? slot : null;

    /// <summary>As Cedar writes it.</summary>
    public override string ToString() => Uid?.ToString() ?? (slot == Cedar.Slot.Principal ? "?principal" : "?resource");
}

/// <summary>What a policy's scope asks of the principal, the action or the resource.</summary>
public abstract record ScopeConstraint
{
    private protected ScopeConstraint()
    {
    }

    /// <summary>From the variable to the end of its constraint; empty when it was built in code.</summary>
    public SourceSpan Span { get; init; }

    /// <summary>The slot in it, or null.</summary>
    public virtual Slot? Slot => null;

    /// <summary>The constraint with the entity in the place of its slot.</summary>
    internal ScopeConstraint Fill(EntityUid? value) => Slot is null || value is null ? this : this switch
    {
        EqualScope => new EqualScope(new EntityOrSlot(value)) { Span = Span },
        InScope => new InScope(new EntityOrSlot(value)) { Span = Span },
        IsScope scope => new IsScope(scope.Type, new EntityOrSlot(value)) { Span = Span },
        _ => this,
    };
}

/// <summary>The variable alone: anything.</summary>
public sealed record AnyScope : ScopeConstraint
{
    /// <summary>One without a place in a source.</summary>
    public static AnyScope Instance { get; } = new();
}

/// <summary><c>variable == entity</c>.</summary>
public sealed record EqualScope(EntityOrSlot Entity) : ScopeConstraint
{
    /// <inheritdoc/>
    public override Slot? Slot => Entity.Slot;
}

/// <summary><c>variable in entity</c>.</summary>
public sealed record InScope(EntityOrSlot Entity) : ScopeConstraint
{
    /// <inheritdoc/>
    public override Slot? Slot => Entity.Slot;
}

/// <summary><c>action in [entity, …]</c>.</summary>
public sealed record InSetScope(ImmutableArray<EntityUid> Entities) : ScopeConstraint;

/// <summary><c>variable is Type</c>, or <c>variable is Type in entity</c>.</summary>
/// <param name="Type">The type asked for.</param>
/// <param name="Entity">Null without <c>in</c>.</param>
public sealed record IsScope(EntityType Type, EntityOrSlot? Entity) : ScopeConstraint
{
    /// <inheritdoc/>
    public override Slot? Slot => Entity?.Slot;
}
