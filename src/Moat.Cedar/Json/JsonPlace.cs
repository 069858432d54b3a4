using System.Text.Json;

namespace Moat.Cedar;

/// <summary>An element of a JSON text and the way to it, which messages name.</summary>
internal sealed class JsonPlace
{
    // Values nest as deep as Cedar's own reader allows; a level of an expression takes up to three levels of JSON.
    private const int MaxDepth = 3 * Expression.MaxHeight + 16;
    private readonly JsonPlace? parent;
    private readonly string step;

    private JsonPlace(JsonElement element, JsonPlace? parent, string step)
    {
        Element = element;
        this.parent = parent;
        this.step = step;
    }

    public JsonElement Element { get; }

    public bool IsObject => Element.ValueKind == JsonValueKind.Object;

    /// <summary>Reads a text and hands its root to the reader.</summary>
    /// <exception cref="CedarException">It is no JSON, or names a property twice, or the reader refuses it.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> utf8, Func<JsonPlace, T> reader)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = MaxDepth });
            return reader(new JsonPlace(document.RootElement, null, "$"));
        }
        catch (JsonException problem)
        {
            throw new CedarException($"the JSON is not in order: {problem.Message}");
        }
    }

    /// <inheritdoc cref="Read{T}(ReadOnlyMemory{byte}, Func{JsonPlace, T})"/>
    public static T Read<T>(string json, Func<JsonPlace, T> reader)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Read(System.Text.Encoding.UTF8.GetBytes(json), reader);
    }

    /// <summary>The property, or null.</summary>
    public JsonPlace? Find(string name) => IsObject && Element.TryGetProperty(name, out var element) ? new JsonPlace(element, this, $".{name}") : null;

    /// <summary>The property, or null when it is missing or null itself.</summary>
    public JsonPlace? Optional(string name) => Find(name) is { Element.ValueKind: not JsonValueKind.Null } place ? place : null;

    /// <summary>The property, which must be there.</summary>
    public JsonPlace Property(string name) => Find(name) ?? throw Error($"`{name}` is missing");

    /// <summary>The properties of an object.</summary>
    public IEnumerable<KeyValuePair<string, JsonPlace>> Properties()
    {
        if (!IsObject) throw Error("an object is expected");
        return Element.EnumerateObject().Select(p => KeyValuePair.Create(Name(p), new JsonPlace(p.Value, this, $".{p.Name}")));
    }

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonPlace> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array) throw Error("an array is expected");
        return Element.EnumerateArray().Select((e, i) => new JsonPlace(e, this, $"[{i}]"));
    }

    /// <summary>The text of a string.</summary>
    public string Text()
    {
        if (Element.ValueKind != JsonValueKind.String) throw Error("a string is expected");
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error("the string is no text of Unicode");
        }
    }

    /// <summary>Refuses an object that holds other properties than these.</summary>
    public void AllowOnly(params ReadOnlySpan<string> names)
    {
        foreach (var (name, place) in Properties())
        {
            if (!names.Contains(name)) throw place.Error("there is no such property here");
        }
    }

    /// <summary>An error about this element.</summary>
    public CedarException Error(string message) => new($"{Path()}: {message}");

    private string Name(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw Error("a name is no text of Unicode");
        }
    }

    private string Path()
    {
        var steps = new Stack<string>();
        for (var place = this; place is not null; place = place.parent) steps.Push(place.step);
        return string.Concat(steps);
    }
}
