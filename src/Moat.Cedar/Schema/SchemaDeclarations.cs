using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>Gathers the declarations of one namespace of the Cedar form, and refuses names that are taken or not to be had.</summary>
internal sealed class SchemaDeclarations(SchemaCursor cursor, string name)
{
    private readonly Dictionary<string, CommonTypeDeclaration> commonTypes = [];
    private readonly Dictionary<string, EntityTypeDeclaration> entityTypes = [];
    private readonly Dictionary<string, ActionDeclaration> actions = [];

    public bool IsEmpty => commonTypes.Count == 0 && entityTypes.Count == 0 && actions.Count == 0;

    public void Add(CommonTypeDeclaration type)
    {
        if (SchemaNames.CommonTypeProblem(type.Name) is { } problem) cursor.Error(type.NameSpan, problem);
        if (!commonTypes.TryAdd(type.Name, type)) Twice(type.NameSpan, "common type", type.Name);
        else WarnOfShadow(type.Name, type.NameSpan);
    }

    public void Add(EntityTypeDeclaration type)
    {
        if (SchemaNames.EntityTypeProblem(type.Name) is { } problem) cursor.Error(type.NameSpan, problem);
        if (!entityTypes.TryAdd(type.Name, type)) Twice(type.NameSpan, "entity type", type.Name);
        else WarnOfShadow(type.Name, type.NameSpan);
    }

    public void Add(ActionDeclaration action)
    {
        if (!actions.TryAdd(action.Name, action)) Twice(action.NameSpan, "action", action.Name);
    }

    public SchemaNamespace Build(ImmutableArray<Annotation> annotations, SourceSpan span)
    {
        foreach (var type in commonTypes.Values)
        {
            if (entityTypes.ContainsKey(type.Name)) cursor.Warn(type.NameSpan, $"the common type `{type.Name}` hides the entity type of that name", "give one of them another name");
        }

        return new SchemaNamespace(name)
        {
            CommonTypes = [.. commonTypes.Values],
            EntityTypes = [.. entityTypes.Values],
            Actions = [.. actions.Values],
            Annotations = annotations,
            NameSpan = span,
        };
    }

    private void Twice(SourceSpan span, string what, string declared) => cursor.Error(span, $"the {what} `{declared}` is declared twice", "remove one of them");

    private void WarnOfShadow(string declared, SourceSpan span)
    {
        if (SchemaNames.BuiltIn.ContainsKey(declared))
        {
            cursor.Warn(span, $"`{declared}` hides the built-in type of that name", $"write {CedarName.ReservedNamespace}::{declared} for the built-in one");
        }
    }
}
