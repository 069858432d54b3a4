using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Requests as JSON: <c>{"principal", "action", "resource", "context"}</c>, the entities as texts (<c>User::"alice"</c>) or as <c>{"type", "id"}</c>.</summary>
public static class RequestJson
{
    /// <summary>Reads a request; a context may be left out.</summary>
    /// <exception cref="CedarException">It is none.</exception>
    public static Request Read(string json) => JsonPlace.Read(json, place => Read(place, null));

    /// <summary>Reads a request whose context may leave out the escapes of what its action's schema describes. Nothing is checked against the schema.</summary>
    /// <inheritdoc cref="Read(string)"/>
    public static Request Read(string json, CedarSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return JsonPlace.Read(json, place => Read(place, schema));
    }

    internal static Request Read(JsonPlace place, CedarSchema? schema)
    {
        var action = ReadUid(place.Property("action"));
        return new Request(
            ReadUid(place.Property("principal")),
            action,
            ReadUid(place.Property("resource")),
            place.Find("context") is { } context ? ValueJson.ReadRecord(context, schema?.Find(action)?.Context) : CedarRecord.Empty);
    }

    private static EntityUid ReadUid(JsonPlace place)
    {
        if (place.Element.ValueKind != JsonValueKind.String) return ValueJson.ReadUid(place);
        return EntityUid.TryParse(place.Text(), out var uid) ? uid : throw place.Error("this is no entity, as User::\"alice\" is one");
    }
}
