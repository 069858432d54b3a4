using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Entities as JSON: an array of <c>{"uid", "attrs", "parents", "tags"}</c>.</summary>
public static class EntityJson
{
    /// <summary>Reads entities.</summary>
    /// <exception cref="CedarException">The text is none, one is given twice with different content, or one is in itself.</exception>
    public static EntityStore Read(string json) => Read(json, static _ => null);

    /// <summary>Reads entities; what the schema expects lets escapes be left out.</summary>
    internal static EntityStore Read(string json, Func<EntityType, EntityShape?> shapes) => JsonPlace.Read(json, place => Read(place, shapes));

    internal static EntityStore Read(JsonPlace place, Func<EntityType, EntityShape?> shapes) =>
        EntityStore.Create(place.Items().Select(item => ReadEntity(item, shapes)));

    /// <summary>The entities as JSON, in ordinal order of their identities.</summary>
    /// <exception cref="CedarException">A record has a name that would be read as an escape.</exception>
    public static void Write(Utf8JsonWriter writer, EntityStore entities)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(entities);
        writer.WriteStartArray();
        foreach (var entity in entities.Entities.OrderBy(static e => e.Uid.ToString(), StringComparer.Ordinal))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("uid");
            ValueJson.WriteUid(writer, entity.Uid);
            writer.WritePropertyName("attrs");
            ValueJson.WriteRecord(writer, entity.Attributes);
            writer.WriteStartArray("parents");
            foreach (var parent in entity.Parents.OrderBy(static p => p.ToString(), StringComparer.Ordinal)) ValueJson.WriteUid(writer, parent);
            writer.WriteEndArray();
            if (entity.Tags.Count > 0)
            {
                writer.WritePropertyName("tags");
                ValueJson.WriteRecord(writer, entity.Tags);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static Entity ReadEntity(JsonPlace place, Func<EntityType, EntityShape?> shapes)
    {
        var uid = ValueJson.ReadUid(place.Property("uid"));
        var shape = shapes(uid.Type);
        var attributes = ValueJson.ReadRecord(place.Property("attrs"), shape?.Attributes);
        var parents = place.Property("parents").Items().Select(ValueJson.ReadUid);
        var tags = place.Find("tags") is not { } found ? CedarRecord.Empty
            : CedarRecord.Create(found.Properties().Select(t => KeyValuePair.Create(t.Key, ValueJson.Read(t.Value, shape?.Tags))));
        return new Entity(uid, attributes, parents, tags);
    }
}
