using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>The declarations of one namespace.</summary>
/// <param name="Name">Such as <c>PhotoApp</c> or <c>Acme::PhotoApp</c>; empty for the declarations outside any.</param>
public sealed record SchemaNamespace(string Name)
{
    /// <summary>The common types, each name once.</summary>
    public ImmutableArray<CommonTypeDeclaration> CommonTypes { get; init; } = [];

    /// <summary>The entity types, each name once.</summary>
    public ImmutableArray<EntityTypeDeclaration> EntityTypes { get; init; } = [];

    /// <summary>The actions, each id once.</summary>
    public ImmutableArray<ActionDeclaration> Actions { get; init; } = [];

    /// <summary>Its annotations; none outside a namespace.</summary>
    public ImmutableArray<Annotation> Annotations { get; init; } = [];

    /// <summary>Where its name stands; empty when it came from JSON or was built in code.</summary>
    public SourceSpan NameSpan { get; init; }
}

/// <summary><c>type Name = …;</c></summary>
/// <param name="Name">Without its namespace.</param>
/// <param name="Type">What the name stands for.</param>
public sealed record CommonTypeDeclaration(string Name, SchemaType Type)
{
    /// <summary>Its annotations.</summary>
    public ImmutableArray<Annotation> Annotations { get; init; } = [];

    /// <summary>Where its name stands; empty when it came from JSON or was built in code.</summary>
    public SourceSpan NameSpan { get; init; }
}

/// <summary><c>entity Name in [Parent] { … } tags …;</c> or <c>entity Name enum ["a", "b"];</c></summary>
/// <param name="Name">Without its namespace.</param>
public sealed record EntityTypeDeclaration(string Name)
{
    /// <summary>The types in whose entities ones of this type may be.</summary>
    public ImmutableArray<SchemaName> Parents { get; init; } = [];

    /// <summary>The type of its attributes: a record, or in the JSON form a common type that is one.</summary>
    public SchemaType Shape { get; init; } = RecordSchemaType.Empty;

    /// <summary>The type of its tags; null when it has none.</summary>
    public SchemaType? Tags { get; init; }

    /// <summary>All ids that there are, at least one; empty for a type that is not enumerated.</summary>
    public ImmutableArray<string> Choices { get; init; } = [];

    /// <summary>Its annotations.</summary>
    public ImmutableArray<Annotation> Annotations { get; init; } = [];

    /// <summary>Where its name stands; empty when it came from JSON or was built in code.</summary>
    public SourceSpan NameSpan { get; init; }
}

/// <summary><c>action Name in [Group] appliesTo { … };</c></summary>
/// <param name="Name">The id, without type and namespace.</param>
public sealed record ActionDeclaration(string Name)
{
    /// <summary>The groups that it is in.</summary>
    public ImmutableArray<SchemaActionName> Groups { get; init; } = [];

    /// <summary>To what it applies; null when the JSON form does not say it, and then it applies to nothing.</summary>
    public ActionApplication? AppliesTo { get; init; }

    /// <summary>Its annotations.</summary>
    public ImmutableArray<Annotation> Annotations { get; init; } = [];

    /// <summary>Where its name stands; empty when it came from JSON or was built in code.</summary>
    public SourceSpan NameSpan { get; init; }
}

/// <summary>Who may be asked about with an action, about what, and in what context.</summary>
/// <param name="Principals">Entity types.</param>
/// <param name="Resources">Entity types.</param>
/// <param name="Context">A record, or a common type that is one.</param>
public sealed record ActionApplication(ImmutableArray<SchemaName> Principals, ImmutableArray<SchemaName> Resources, SchemaType Context)
{
    /// <summary>For an action that applies to nothing, as a group of actions mostly does.</summary>
    public static ActionApplication Nothing { get; } = new([], [], RecordSchemaType.Empty);
}

/// <summary>The name of an entity type as written, with or without a namespace.</summary>
public readonly record struct SchemaName(string Name, SourceSpan Span);

/// <summary>The name of an action as written.</summary>
/// <param name="Type">The entity type, such as <c>PhotoApp::Action</c>; null when it is not written, which means <c>Action</c>.</param>
/// <param name="Id">The id.</param>
/// <param name="Span">Where it stands.</param>
public readonly record struct SchemaActionName(string? Type, string Id, SourceSpan Span);
