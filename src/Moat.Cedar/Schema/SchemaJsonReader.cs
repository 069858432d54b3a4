using System.Collections.Immutable;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Reads a schema of the JSON form.</summary>
internal sealed class SchemaJsonReader
{
    private readonly SchemaJsonNode nodes;
    private readonly SchemaJsonTypes types;

    private SchemaJsonReader(SchemaJsonNode nodes)
    {
        this.nodes = nodes;
        types = new SchemaJsonTypes(nodes);
    }

    public static SchemaFragment? Read(string json, ICollection<Diagnostic> diagnostics)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 512 });
            var nodes = new SchemaJsonNode(diagnostics);
            var namespaces = new SchemaJsonReader(nodes).Namespaces(document.RootElement);
            return nodes.HasFailed ? null : new SchemaFragment { Namespaces = namespaces };
        }
        catch (JsonException exception)
        {
            diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, $"the schema is no JSON: {exception.Message.TrimEnd('.')}"));
            return null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            // What the parser says of a lone surrogate: it reads strings late.
            diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, "the schema holds half a surrogate pair, which is no character"));
            return null;
        }
    }

    private ImmutableArray<SchemaNamespace> Namespaces(JsonElement root)
    {
        var namespaces = ImmutableArray.CreateBuilder<SchemaNamespace>();
        foreach (var (name, value) in nodes.Members(root, ""))
        {
            var path = SchemaJsonNode.Join("", name);
            if (name.Length > 0 && !CedarName.IsName(name)) nodes.Error(path, "this is no name of a namespace");
            namespaces.Add(Namespace(name, value, path));
        }

        return namespaces.ToImmutable();
    }

    private SchemaNamespace Namespace(string name, JsonElement element, string path)
    {
        var space = new SchemaNamespace(name);
        var entityTypes = false;
        var actions = false;
        foreach (var (key, value) in nodes.Members(element, path))
        {
            var at = SchemaJsonNode.Join(path, key);
            switch (key)
            {
                case "commonTypes":
                    space = space with { CommonTypes = [.. nodes.Members(value, at).Select(m => CommonType(m.Key, m.Value, at))] };
                    break;
                case "entityTypes":
                    entityTypes = true;
                    space = space with { EntityTypes = [.. nodes.Members(value, at).Select(m => EntityType(m.Key, m.Value, at))] };
                    break;
                case "actions":
                    actions = true;
                    space = space with { Actions = [.. nodes.Members(value, at).Select(m => Action(m.Key, m.Value, at))] };
                    break;
                case "annotations":
                    space = space with { Annotations = nodes.Annotations(value, at) };
                    break;
                default:
                    nodes.Unknown(at);
                    break;
            }
        }

        if (!entityTypes) nodes.Missing(path, "entityTypes");
        if (!actions) nodes.Missing(path, "actions");
        if (name.Length == 0 && !space.Annotations.IsEmpty) nodes.Error(path, "there are no annotations outside a namespace");
        return space;
    }

    private CommonTypeDeclaration CommonType(string name, JsonElement element, string parent)
    {
        var path = SchemaJsonNode.Join(parent, name);
        if (SchemaNames.CommonTypeProblem(name) is { } problem) nodes.Error(path, problem);
        var (type, annotations, _) = types.Annotated(element, path, mayBeOptional: false);
        return new CommonTypeDeclaration(name, type) { Annotations = annotations };
    }

    private EntityTypeDeclaration EntityType(string name, JsonElement element, string parent)
    {
        var path = SchemaJsonNode.Join(parent, name);
        if (SchemaNames.EntityTypeProblem(name) is { } problem) nodes.Error(path, problem);
        var type = new EntityTypeDeclaration(name);
        var structured = false;
        foreach (var (key, value) in nodes.Members(element, path))
        {
            var at = SchemaJsonNode.Join(path, key);
            structured |= key is "memberOfTypes" or "shape" or "tags";
            switch (key)
            {
                case "memberOfTypes":
                    type = type with { Parents = Names(value, at) };
                    break;
                case "shape":
                    type = type with { Shape = types.Type(value, at) };
                    break;
                case "tags":
                    type = type with { Tags = types.Type(value, at) };
                    break;
                case "enum":
                    type = type with { Choices = [.. nodes.Items(value, at).Select((item, i) => nodes.String(item, SchemaJsonNode.Join(at, i)))] };
                    if (type.Choices.IsEmpty) nodes.Error(at, "an enumerated type needs one id at least");
                    break;
                case "annotations":
                    type = type with { Annotations = nodes.Annotations(value, at) };
                    break;
                default:
                    nodes.Unknown(at);
                    break;
            }
        }

        if (structured && !type.Choices.IsEmpty) nodes.Error(path, "an enumerated type has no parents, no attributes and no tags");
        return type;
    }

    private ActionDeclaration Action(string name, JsonElement element, string parent)
    {
        var path = SchemaJsonNode.Join(parent, name);
        var action = new ActionDeclaration(name);
        foreach (var (key, value) in nodes.Members(element, path))
        {
            var at = SchemaJsonNode.Join(path, key);
            switch (key)
            {
                case "appliesTo" or "memberOf" or "attributes" when value.ValueKind == JsonValueKind.Null:
                    break;
                case "appliesTo":
                    action = action with { AppliesTo = Application(value, at) };
                    break;
                case "memberOf":
                    action = action with { Groups = [.. nodes.Items(value, at).Select((item, i) => Group(item, SchemaJsonNode.Join(at, i)))] };
                    break;
                case "attributes":
                    nodes.Error(at, "actions have no attributes");
                    break;
                case "annotations":
                    action = action with { Annotations = nodes.Annotations(value, at) };
                    break;
                default:
                    nodes.Unknown(at);
                    break;
            }
        }

        return action;
    }

    private ActionApplication Application(JsonElement element, string path)
    {
        ImmutableArray<SchemaName>? principals = null;
        ImmutableArray<SchemaName>? resources = null;
        SchemaType context = RecordSchemaType.Empty;
        foreach (var (key, value) in nodes.Members(element, path))
        {
            var at = SchemaJsonNode.Join(path, key);
            if (key == "principalTypes") principals = Names(value, at);
            else if (key == "resourceTypes") resources = Names(value, at);
            else if (key == "context") context = types.Type(value, at);
            else nodes.Unknown(at);
        }

        if (principals is null) nodes.Missing(path, "principalTypes");
        if (resources is null) nodes.Missing(path, "resourceTypes");
        return new ActionApplication(principals ?? [], resources ?? [], context);
    }

    private SchemaActionName Group(JsonElement element, string path)
    {
        string? id = null;
        string? type = null;
        foreach (var (key, value) in nodes.Members(element, path))
        {
            var at = SchemaJsonNode.Join(path, key);
            if (key == "id") id = nodes.String(value, at);
            else if (key != "type") nodes.Unknown(at);
            else if (value.ValueKind != JsonValueKind.Null) type = nodes.Name(value, at);
        }

        if (id is null) nodes.Missing(path, "id");
        return new SchemaActionName(type, id ?? "", default);
    }

    private ImmutableArray<SchemaName> Names(JsonElement element, string path) =>
        [.. nodes.Items(element, path).Select((item, i) => new SchemaName(nodes.Name(item, SchemaJsonNode.Join(path, i)), default))];
}
