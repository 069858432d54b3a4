using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Writes a schema in the JSON form.</summary>
internal sealed class SchemaJsonWriter(Utf8JsonWriter json)
{
    // Quotes and angle brackets stay as they are: the text goes into files, not into HTML.
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(SchemaFragment schema)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            var writer = new SchemaJsonWriter(json);
            json.WriteStartObject();
            foreach (var space in schema.Namespaces.OrderBy(n => n.Name, StringComparer.Ordinal)) writer.Namespace(space);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void Namespace(SchemaNamespace space)
    {
        json.WriteStartObject(space.Name);
        if (!space.CommonTypes.IsEmpty)
        {
            json.WriteStartObject("commonTypes");
            foreach (var type in space.CommonTypes.OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                json.WriteStartObject(type.Name);
                Type(type.Type);
                Annotations(type.Annotations);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteStartObject("entityTypes");
        foreach (var type in space.EntityTypes.OrderBy(t => t.Name, StringComparer.Ordinal)) EntityType(type);
        json.WriteEndObject();
        json.WriteStartObject("actions");
        foreach (var action in space.Actions.OrderBy(a => a.Name, StringComparer.Ordinal)) Action(action);
        json.WriteEndObject();
        Annotations(space.Annotations);
        json.WriteEndObject();
    }

    private void EntityType(EntityTypeDeclaration type)
    {
        json.WriteStartObject(type.Name);
        if (!type.Choices.IsEmpty) Strings("enum", type.Choices);
        if (!type.Parents.IsEmpty) Strings("memberOfTypes", type.Parents.Select(p => p.Name));
        if (type.Shape is not RecordSchemaType { Attributes.IsEmpty: true }) Type("shape", type.Shape);
        if (type.Tags is not null) Type("tags", type.Tags);
        Annotations(type.Annotations);
        json.WriteEndObject();
    }

    private void Action(ActionDeclaration action)
    {
        json.WriteStartObject(action.Name);
        if (action.AppliesTo is { } application)
        {
            json.WriteStartObject("appliesTo");
            Strings("principalTypes", application.Principals.Select(p => p.Name));
            Strings("resourceTypes", application.Resources.Select(r => r.Name));
            if (application.Context is not RecordSchemaType { Attributes.IsEmpty: true }) Type("context", application.Context);
            json.WriteEndObject();
        }

        if (!action.Groups.IsEmpty)
        {
            json.WriteStartArray("memberOf");
            foreach (var group in action.Groups)
            {
                json.WriteStartObject();
                json.WriteString("id", group.Id);
                if (group.Type is not null) json.WriteString("type", group.Type);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        Annotations(action.Annotations);
        json.WriteEndObject();
    }

    private void Type(string name, SchemaType type)
    {
        json.WriteStartObject(name);
        Type(type);
        json.WriteEndObject();
    }

    // The members of a type; an attribute puts its own beside them.
    private void Type(SchemaType type)
    {
        switch (type)
        {
            case PrimitiveSchemaType { Kind: CedarKind.Bool }:
                json.WriteString("type", "Boolean");
                break;
            case PrimitiveSchemaType primitive:
                json.WriteString("type", primitive.Kind.ToString());
                break;
            case SetSchemaType set:
                json.WriteString("type", "Set");
                Type("element", set.Element);
                break;
            case RecordSchemaType record:
                Record(record);
                break;
            case EntitySchemaType entity:
                Named("Entity", entity.Name);
                break;
            case ExtensionSchemaType extension:
                Named("Extension", extension.Name);
                break;
            case NamedSchemaType named:
                Named("EntityOrCommon", named.Name);
                break;
            case CommonSchemaType common:
                json.WriteString("type", common.Name);
                break;
        }
    }

    private void Record(RecordSchemaType record)
    {
        json.WriteString("type", "Record");
        json.WriteStartObject("attributes");
        foreach (var attribute in record.Attributes.OrderBy(a => a.Name, StringComparer.Ordinal))
        {
            json.WriteStartObject(attribute.Name);
            Type(attribute.Type);
            if (!attribute.IsRequired) json.WriteBoolean("required", false);
            Annotations(attribute.Annotations);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void Named(string type, string name)
    {
        json.WriteString("type", type);
        json.WriteString("name", name);
    }

    private void Strings(string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private void Annotations(ImmutableArray<Annotation> annotations)
    {
        if (annotations.IsEmpty) return;
        json.WriteStartObject("annotations");
        foreach (var annotation in annotations.OrderBy(a => a.Name, StringComparer.Ordinal)) json.WriteString(annotation.Name, annotation.Value);
        json.WriteEndObject();
    }
}
