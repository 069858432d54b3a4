namespace Moat.Cedar.Tests.Generators;

/// <summary>A type of a generated schema.</summary>
/// <param name="Kind">Entity for an entity.</param>
/// <param name="Entity">Its full name.</param>
/// <param name="Element">Of a set.</param>
/// <param name="Fields">Of a record.</param>
internal sealed record ShapeType(CedarKind Kind, string? Entity = null, ShapeType? Element = null, IReadOnlyList<ShapeField>? Fields = null)
{
    public bool Same(ShapeType other) => Kind == other.Kind && Entity == other.Entity
        && (Element is null ? other.Element is null : other.Element is not null && Element.Same(other.Element))
        && (Fields is null ? other.Fields is null : other.Fields is not null && Fields.Count == other.Fields.Count
            && Fields.Zip(other.Fields).All(p => p.First.Name == p.Second.Name && p.First.IsRequired == p.Second.IsRequired && p.First.Type.Same(p.Second.Type)));
}

internal sealed record ShapeField(string Name, ShapeType Type, bool IsRequired);

internal sealed record ShapeEntity(string Name, IReadOnlyList<string> Parents, IReadOnlyList<ShapeField> Fields, ShapeType? Tags, IReadOnlyList<string> Choices);

internal sealed record ShapeAction(string Uid, IReadOnlyList<string> Groups, IReadOnlyList<string> Principals, IReadOnlyList<string> Resources, IReadOnlyList<ShapeField> Context);

/// <summary>A generated schema: its text and what the text says.</summary>
internal sealed record SchemaShape(string Text, IReadOnlyList<ShapeEntity> Entities, IReadOnlyList<ShapeAction> Actions);
