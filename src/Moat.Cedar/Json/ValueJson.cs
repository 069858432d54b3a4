using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Values as JSON: entities as <c>{"__entity": {"type", "id"}}</c>, extension values as <c>{"__extn": {"fn", "arg"}}</c>, the others as they are.</summary>
public static class ValueJson
{
    // As deep as Cedar's own reader goes.
    internal const int MaxDepth = 128;

    /// <summary>Reads a record, such as a request's context.</summary>
    /// <exception cref="CedarException">It is not one.</exception>
    public static CedarRecord ReadRecord(string json) => JsonPlace.Read(json, place => ReadRecord(place, null));

    /// <summary>The value as JSON.</summary>
    /// <exception cref="CedarException">A record has a name that would be read as an escape.</exception>
    public static void Write(Utf8JsonWriter writer, CedarValue value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (value.Kind)
        {
            case CedarKind.Bool when value.TryGetBool(out var truth):
                writer.WriteBooleanValue(truth);
                break;
            case CedarKind.Long when value.TryGetLong(out var number):
                writer.WriteNumberValue(number);
                break;
            case CedarKind.String:
                writer.WriteStringValue(value.AsString());
                break;
            case CedarKind.Entity:
                writer.WriteStartObject();
                writer.WritePropertyName("__entity");
                WriteUid(writer, value.AsEntity()!);
                writer.WriteEndObject();
                break;
            case CedarKind.Set:
                writer.WriteStartArray();
                foreach (var element in value.AsSet()!.Elements) Write(writer, element);
                writer.WriteEndArray();
                break;
            case CedarKind.Record:
                WriteRecord(writer, value.AsRecord()!);
                break;
            default:
                ExtensionJson.Write(writer, value);
                break;
        }
    }

    internal static CedarRecord ReadRecord(JsonPlace place, RecordType? type, int depth = 0) =>
        CedarRecord.Create(place.Properties().Select(p => KeyValuePair.Create(p.Key, Read(p.Value, type?.Attributes.GetValueOrDefault(p.Key).Type, depth + 1))));

    /// <summary>
    /// Reads a value. The type that a schema gives it lets the escapes be left out: an entity as <c>{"type", "id"}</c>, an
    /// extension value as the text that its constructor reads. It checks nothing.
    /// </summary>
    internal static CedarValue Read(JsonPlace place, CedarType? type, int depth = 0)
    {
        if (depth > MaxDepth) throw place.Error($"values stand more than {MaxDepth} deep in each other");
        switch (place.Element.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return CedarValue.Bool(place.Element.GetBoolean());
            case JsonValueKind.Number:
                return place.Element.TryGetInt64(out var number) ? CedarValue.Long(number) : throw place.Error("a number is a long, without a fraction or an exponent");
            case JsonValueKind.String:
                return type is ExtensionType extension ? ExtensionJson.Call(place, extension.Kind.Constructor(), CedarValue.String(place.Text())) : CedarValue.String(place.Text());
            case JsonValueKind.Array:
                var element = (type as SetType)?.Element;
                return CedarValue.Set(CedarSet.Create(place.Items().Select(item => Read(item, element, depth + 1))));
            case JsonValueKind.Object:
                return ReadObject(place, type, depth);
            default:
                throw place.Error("null is no value of Cedar");
        }
    }

    /// <summary>Reads <c>{"type", "id"}</c>, with or without <c>__entity</c> around it.</summary>
    internal static EntityUid ReadUid(JsonPlace place)
    {
        var inner = place.Find("__entity") ?? place;
        var type = inner.Property("type");
        var id = inner.Property("id").Text();
        return CedarName.IsName(type.Text()) ? new EntityUid(EntityType.Checked(type.Text()), id) : throw type.Error("this is no name of an entity type");
    }

    internal static void WriteUid(Utf8JsonWriter writer, EntityUid uid)
    {
        writer.WriteStartObject();
        writer.WriteString("type", uid.Type.Name);
        writer.WriteString("id", uid.Id);
        writer.WriteEndObject();
    }

    internal static void WriteRecord(Utf8JsonWriter writer, CedarRecord record)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in record.Fields)
        {
            if (name is "__entity" or "__extn" or "__expr") throw new CedarException($"a record with the field `{name}` cannot be written as JSON");
            writer.WritePropertyName(name);
            Write(writer, value);
        }

        writer.WriteEndObject();
    }

    // Where a schema has an entity, an extension value or a record, an object is that, whatever else stands in it. Elsewhere an
    // escape is an object with the escape alone, which holds what it has to, and anything else is a record.
    private static CedarValue ReadObject(JsonPlace place, CedarType? type, int depth)
    {
        if (type is RecordType record) return CedarValue.Record(ReadRecord(place, record, depth));
        var alone = place.Element.GetPropertyCount() == 1;
        if ((alone || type is ExtensionType) && place.Find("__expr") is { Element.ValueKind: JsonValueKind.String }) throw place.Error("`__expr` is no longer part of Cedar");
        if ((alone || type is EntityReferenceType) && place.Find("__entity") is { } entity && IsUid(entity)) return CedarValue.Entity(ReadUid(entity));
        if ((alone || type is ExtensionType) && place.Find("__extn") is { } extension && ExtensionJson.IsCall(extension)) return ExtensionJson.Read(extension, type is ExtensionType, depth);
        return type switch
        {
            EntityReferenceType when IsUid(place) => CedarValue.Entity(ReadUid(place)),
            ExtensionType when ExtensionJson.IsCall(place) => ExtensionJson.Read(place, true, depth),
            _ => CedarValue.Record(ReadRecord(place, null, depth)),
        };
    }

    internal static bool IsUid(JsonPlace place) =>
        place.Find("type") is { Element.ValueKind: JsonValueKind.String } && place.Find("id") is { Element.ValueKind: JsonValueKind.String };
}
