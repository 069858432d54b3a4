using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>A type as a schema writes it, its names not yet looked up.</summary>
public abstract record SchemaType
{
    private protected SchemaType()
    {
    }

    /// <summary>Where it stands in the schema's source; empty when it came from JSON or was built in code.</summary>
    public SourceSpan Span { get; init; }
}

/// <summary>Bool, Long or String itself, whatever a schema calls by these names. Only the JSON form can say this.</summary>
/// <param name="Kind"><see cref="CedarKind.Bool"/>, <see cref="CedarKind.Long"/> or <see cref="CedarKind.String"/>.</param>
public sealed record PrimitiveSchemaType(CedarKind Kind) : SchemaType;

/// <summary>A set of one type.</summary>
public sealed record SetSchemaType(SchemaType Element) : SchemaType;

/// <summary>A record with exactly these attributes, but for optional ones that may be absent.</summary>
/// <param name="Attributes">In the order written, each name once.</param>
public sealed record RecordSchemaType(ImmutableArray<SchemaAttribute> Attributes) : SchemaType
{
    /// <summary>The record of nothing.</summary>
    public static RecordSchemaType Empty { get; } = new([]);
}

/// <summary>An entity type. Only the JSON form can say that the name is of an entity type.</summary>
public sealed record EntitySchemaType(string Name) : SchemaType;

/// <summary>An extension type by its own name, such as <c>ipaddr</c>. Only the JSON form can say this.</summary>
public sealed record ExtensionSchemaType(string Name) : SchemaType;

/// <summary>A common type. Only the JSON form can say that the name is of a common type.</summary>
public sealed record CommonSchemaType(string Name) : SchemaType;

/// <summary>A name, which is looked up among common types and then among entity types: all that the Cedar form can say.</summary>
public sealed record NamedSchemaType(string Name) : SchemaType;

/// <summary>An attribute of a record or an entity.</summary>
/// <param name="Name">Any text.</param>
/// <param name="Type">Its type.</param>
/// <param name="IsRequired">False when it may be absent.</param>
/// <param name="Annotations">In the order written, each name once.</param>
/// <param name="Span">From the name to the type.</param>
public sealed record SchemaAttribute(string Name, SchemaType Type, bool IsRequired, ImmutableArray<Annotation> Annotations, SourceSpan Span);
