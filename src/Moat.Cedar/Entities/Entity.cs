using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>An entity: who it is, what it has, and what it is in.</summary>
public sealed class Entity
{
    private static readonly ImmutableHashSet<EntityUid> NoParents = [];

    /// <param name="uid">Its identity.</param>
    /// <param name="attributes">Its attributes; none when null.</param>
    /// <param name="parents">What it is directly in; nothing when null.</param>
    /// <param name="tags">Its tags; none when null.</param>
    public Entity(EntityUid uid, CedarRecord? attributes = null, IEnumerable<EntityUid>? parents = null, CedarRecord? tags = null)
    {
        ArgumentNullException.ThrowIfNull(uid);
        Uid = uid;
        Attributes = attributes ?? CedarRecord.Empty;
        Parents = parents is null ? NoParents : [.. parents];
        Tags = tags ?? CedarRecord.Empty;
    }

    /// <summary>Its identity.</summary>
    public EntityUid Uid { get; }

    /// <summary>Its attributes.</summary>
    public CedarRecord Attributes { get; }

    /// <summary>Its tags.</summary>
    public CedarRecord Tags { get; }

    /// <summary>What it is directly in. An ancestor may stand here as well.</summary>
    public IReadOnlySet<EntityUid> Parents { get; }

    /// <summary>Whether both say the same of one entity.</summary>
    internal bool Says(Entity other) => Uid.Equals(other.Uid) && Attributes.Equals(other.Attributes) && Tags.Equals(other.Tags) && Parents.SetEquals(other.Parents);
}
