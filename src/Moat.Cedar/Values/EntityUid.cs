using System.Diagnostics.CodeAnalysis;

namespace Moat.Cedar;

/// <summary>The identity of an entity: its type and its id, written <c>User::"alice"</c>. Equal by both; its hash is worked out once.</summary>
public sealed class EntityUid : IEquatable<EntityUid>
{
    private readonly int hash;

    /// <param name="type">The type's name.</param>
    /// <param name="id">Any text, the empty one included.</param>
    public EntityUid(EntityType type, string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        Type = type;
        Id = id;
        hash = HashCode.Combine(type.Name, id);
    }

    /// <summary>The type.</summary>
    public EntityType Type { get; }

    /// <summary>The id, as it is: escapes of the source are resolved.</summary>
    public string Id { get; }

    /// <summary>Reads the Cedar form, as in <c>App::User::"alice"</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out EntityUid? uid)
    {
        uid = (PolicyParser.ReadExpression(new SourceText(text), []) as LiteralExpression)?.Value.AsEntity();
        return uid is not null;
    }

    /// <inheritdoc/>
    public bool Equals(EntityUid? other) =>
        ReferenceEquals(this, other) || (other is not null && hash == other.hash && Id == other.Id && Type == other.Type);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as EntityUid);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    /// <summary>The Cedar form, the id escaped.</summary>
    public override string ToString() => $"{Type.Name}::{CedarString.Quote(Id)}";
}
