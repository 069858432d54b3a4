using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Requests as JSON: <c>{"principal", "action", "resource", "context"}</c>, the entities as texts (<c>User::"alice"</c>) or as <c>{"type", "id"}</c>.</summary>
public static class RequestJson
{
    /// <summary>Reads a request; a context may be left out.</summary>
    /// <exception cref="CedarException">It is none.</exception>
    public static Request Read(string json) => JsonPlace.Read(json, place => Read(place, null));

    internal static Request Read(JsonPlace place, RecordValueShape? context) => new(
        ReadUid(place.Property("principal")),
        ReadUid(place.Property("action")),
        ReadUid(place.Property("resource")),
        place.Find("context") is { } found ? ValueJson.ReadRecord(found, context) : CedarRecord.Empty);

    private static EntityUid ReadUid(JsonPlace place)
    {
        if (place.Element.ValueKind != JsonValueKind.String) return ValueJson.ReadUid(place);
        return EntityUid.TryParse(place.Text(), out var uid) ? uid : throw place.Error("this is no entity, as User::\"alice\" is one");
    }
}
