namespace Moat.Cedar;

/// <summary>What the cells of an index ask of a request.</summary>
internal sealed record CellShape
{
    /// <summary>Whether the resource must be the cell's entity, or be in it.</summary>
    public bool Resource { get; init; }

    /// <summary>Whether the principal must be the cell's entity, or be in it.</summary>
    public bool Principal { get; init; }

    /// <summary>Whether the action must be the cell's action, or be in it.</summary>
    public bool Action { get; init; }

    /// <summary>Whether the resource must be of the cell's type.</summary>
    public bool ResourceType { get; init; }

    /// <summary>Whether the principal must be of the cell's type.</summary>
    public bool PrincipalType { get; init; }

    /// <summary>The attribute that must be the cell's text, or null.</summary>
    public string? Attribute { get; init; }

    /// <summary>The variable that has the attribute.</summary>
    public Variable AttributeOf { get; init; }
}
