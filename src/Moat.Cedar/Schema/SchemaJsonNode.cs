using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Moat.Cedar;

/// <summary>Reads parts of JSON and reports, by their path, those that are not as they should be.</summary>
internal sealed class SchemaJsonNode(ICollection<Diagnostic> diagnostics)
{
    public bool HasFailed { get; private set; }

    /// <summary>The path of a member, as a JSON pointer (RFC 6901).</summary>
    public static string Join(string path, string name) =>
        $"{path}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    public static string Join(string path, int index) => $"{path}/{index.ToString(CultureInfo.InvariantCulture)}";

    public void Error(string path, string message)
    {
        HasFailed = true;
        diagnostics.Add(new Diagnostic(DiagnosticSeverity.Error, $"at {(path.Length == 0 ? "the root" : path)}: {message}"));
    }

    public void Unknown(string path) => Error(path, "nothing of this name belongs here");

    public void Missing(string path, string name) => Error(path, $"`{name}` is missing");

    public IEnumerable<KeyValuePair<string, JsonElement>> Members(JsonElement element, string path)
    {
        if (element.ValueKind == JsonValueKind.Object) return element.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value));
        Error(path, "an object belongs here");
        return [];
    }

    public IEnumerable<JsonElement> Items(JsonElement element, string path)
    {
        if (element.ValueKind == JsonValueKind.Array) return element.EnumerateArray();
        Error(path, "an array belongs here");
        return [];
    }

    public string String(JsonElement element, string path)
    {
        if (element.ValueKind == JsonValueKind.String) return element.GetString()!;
        Error(path, "a string belongs here");
        return "";
    }

    public bool Boolean(JsonElement element, string path)
    {
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False) return element.GetBoolean();
        Error(path, "true or false belongs here");
        return false;
    }

    /// <summary>The name of a type, with or without a namespace.</summary>
    public string Name(JsonElement element, string path)
    {
        var name = String(element, path);
        if (element.ValueKind == JsonValueKind.String && !SchemaNames.IsReference(name)) Error(path, "this is no name of a type");
        return name;
    }

    public ImmutableArray<Annotation> Annotations(JsonElement element, string path) => [.. Members(element, path).Select(m =>
    {
        var at = Join(path, m.Key);
        if (!CedarName.IsIdentifier(m.Key)) Error(at, "this is no name of an annotation");
        return new Annotation(m.Key, m.Value.ValueKind == JsonValueKind.Null ? null : String(m.Value, at), default);
    })];
}
