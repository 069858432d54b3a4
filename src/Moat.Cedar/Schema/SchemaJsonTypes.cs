using System.Collections.Immutable;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Reads the types of a schema of the JSON form.</summary>
internal sealed class SchemaJsonTypes(SchemaJsonNode nodes)
{
    public SchemaType Type(JsonElement element, string path)
    {
        var (type, annotations, _) = Annotated(element, path, mayBeOptional: false);
        if (!annotations.IsEmpty) nodes.Unknown(SchemaJsonNode.Join(path, "annotations"));
        return type;
    }

    /// <summary>A type among whose members annotations may stand, and with <paramref name="mayBeOptional"/> also <c>required</c>.</summary>
    public (SchemaType Type, ImmutableArray<Annotation> Annotations, bool IsRequired) Annotated(JsonElement element, string path, bool mayBeOptional)
    {
        var members = new Dictionary<string, JsonElement>();
        var annotations = ImmutableArray<Annotation>.Empty;
        var required = true;
        foreach (var (key, value) in nodes.Members(element, path))
        {
            if (key == "annotations") annotations = nodes.Annotations(value, SchemaJsonNode.Join(path, key));
            else if (key == "required" && mayBeOptional) required = nodes.Boolean(value, SchemaJsonNode.Join(path, key));
            else members.Add(key, value);
        }

        return (Plain(members, path), annotations, required);
    }

    private SchemaType Plain(Dictionary<string, JsonElement> members, string path)
    {
        if (!members.Remove("type", out var element))
        {
            nodes.Missing(path, "type");
            return RecordSchemaType.Empty;
        }

        var word = nodes.String(element, SchemaJsonNode.Join(path, "type"));
        SchemaType type = word switch
        {
            "Boolean" => new PrimitiveSchemaType(CedarKind.Bool),
            "Long" => new PrimitiveSchemaType(CedarKind.Long),
            "String" => new PrimitiveSchemaType(CedarKind.String),
            "Set" => Set(members, path),
            "Record" => Record(members, path),
            "Entity" => new EntitySchemaType(Name(members, path)),
            "EntityOrCommon" => new NamedSchemaType(Name(members, path)),
            "Extension" => new ExtensionSchemaType(Name(members, path)),
            _ => Common(word, path),
        };
        foreach (var key in members.Keys) nodes.Unknown(SchemaJsonNode.Join(path, key));
        return type;
    }

    private CommonSchemaType Common(string name, string path)
    {
        if (!SchemaNames.IsReference(name)) nodes.Error(SchemaJsonNode.Join(path, "type"), "this is no type and no name of one");
        return new CommonSchemaType(name);
    }

    private string Name(Dictionary<string, JsonElement> members, string path)
    {
        if (members.Remove("name", out var name)) return nodes.Name(name, SchemaJsonNode.Join(path, "name"));
        nodes.Missing(path, "name");
        return "";
    }

    private SetSchemaType Set(Dictionary<string, JsonElement> members, string path)
    {
        if (members.Remove("element", out var element)) return new SetSchemaType(Type(element, SchemaJsonNode.Join(path, "element")));
        nodes.Missing(path, "element");
        return new SetSchemaType(RecordSchemaType.Empty);
    }

    private RecordSchemaType Record(Dictionary<string, JsonElement> members, string path)
    {
        if (members.Remove("additionalAttributes", out var additional))
        {
            var at = SchemaJsonNode.Join(path, "additionalAttributes");
            if (nodes.Boolean(additional, at)) nodes.Error(at, "records with attributes that are not declared are not supported");
        }

        if (!members.Remove("attributes", out var attributes))
        {
            nodes.Missing(path, "attributes");
            return RecordSchemaType.Empty;
        }

        var list = SchemaJsonNode.Join(path, "attributes");
        return new RecordSchemaType([.. nodes.Members(attributes, list).Select(m =>
        {
            var (type, annotations, required) = Annotated(m.Value, SchemaJsonNode.Join(list, m.Key), mayBeOptional: true);
            return new SchemaAttribute(m.Key, type, required, annotations, default);
        })]);
    }
}
