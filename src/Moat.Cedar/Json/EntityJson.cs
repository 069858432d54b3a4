using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Entities as JSON: an array of <c>{"uid", "attrs", "parents", "tags"}</c>.</summary>
public static class EntityJson
{
    /// <summary>Reads entities.</summary>
    /// <exception cref="CedarException">The text is none, one is given twice with different content, or one is in itself.</exception>
    public static EntityStore Read(string json) => JsonPlace.Read(json, static place => Read(place, null));

    /// <summary>
    /// Reads entities as a schema describes them: an attribute that is an entity or an extension value may be written without
    /// its escape. The schema's actions are added. Nothing is checked against the schema.
    /// </summary>
    /// <inheritdoc cref="Read(string)"/>
    public static EntityStore Read(string json, CedarSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return JsonPlace.Read(json, place => Read(place, schema));
    }

    internal static EntityStore Read(JsonPlace place, CedarSchema? schema)
    {
        var entities = place.Items().Select(item => ReadEntity(item, schema)).ToList();
        if (schema is null) return EntityStore.Create(entities);
        var given = entities.Select(e => e.Uid).ToHashSet();
        return EntityStore.Create(entities.Concat(schema.ActionEntities().Where(action => !given.Contains(action.Uid))));
    }

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

    private static Entity ReadEntity(JsonPlace place, CedarSchema? schema)
    {
        var uid = ValueJson.ReadUid(place.Property("uid"));
        var type = schema?.Find(uid.Type);
        var attributes = ValueJson.ReadRecord(place.Property("attrs"), type?.Attributes);
        var parents = place.Property("parents").Items().Select(ValueJson.ReadUid);
        var tags = place.Find("tags") is not { } found ? CedarRecord.Empty
            : CedarRecord.Create(found.Properties().Select(t => KeyValuePair.Create(t.Key, ValueJson.Read(t.Value, type?.Tags))));
        return new Entity(uid, attributes, parents, tags);
    }
}
