using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using Moat.Policy;

namespace Moat.Gateway.Mcp;

/// <summary>A tool as a server describes it. The digest is of all that it says of it but <c>_meta</c>, whatever the order.</summary>
internal readonly record struct McpListedTool(string Name, string Digest);

/// <summary>The tools in a server's message.</summary>
internal static class McpToolList
{
    private const int MaxDepth = 128;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    /// <summary>The tools that a message lists; none where it is about something else.</summary>
    /// <exception cref="FormatException">Clients could read the message in several ways.</exception>
    public static IReadOnlyList<McpListedTool> Read(ReadOnlyMemory<byte> message)
    {
        var start = message.Span.IndexOfAnyExcept(" \t\r\n"u8);
        // What is no JSON object and no batch lists nothing.
        if (start < 0 || message.Span[start] is not ((byte)'{' or (byte)'['))
            return [];
        if (!Utf8.IsValid(message.Span))
            throw new FormatException("the server's message is not UTF-8");
        try
        {
            using var document = JsonDocument.Parse(message, Strict);
            var tools = new List<McpListedTool>();
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object)
                Add(root, tools);
            else
                foreach (var member in root.EnumerateArray())
                    Add(member, tools);
            return tools;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException("the server's message is no JSON that every client reads in one way", e);
        }
    }

    private static void Add(JsonElement message, List<McpListedTool> tools)
    {
        foreach (var result in Named(message, "result"))
        {
            foreach (var list in Named(result, "tools"))
            {
                if (list.ValueKind != JsonValueKind.Array)
                    continue;
                foreach (var tool in list.EnumerateArray())
                {
                    foreach (var name in Named(tool, "name"))
                    {
                        if (name.ValueKind == JsonValueKind.String)
                            tools.Add(new McpListedTool(name.GetString()!, DigestOf(tool)));
                    }
                }
            }
        }
    }

    // Some clients match names without case.
    private static IEnumerable<JsonElement> Named(JsonElement element, string name) => element.ValueKind != JsonValueKind.Object
        ? []
        : element.EnumerateObject().Where(property => CaseFold.Of(property.Name) == name).Select(static property => property.Value);

    private static string DigestOf(JsonElement tool)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { MaxDepth = MaxDepth }))
            Write(tool, json, top: true);
        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    private static void Write(JsonElement element, Utf8JsonWriter json, bool top = false)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in element.EnumerateObject().OrderBy(static p => p.Name, StringComparer.Ordinal))
                {
                    if (top && property.Name == "_meta")
                        continue;
                    json.WritePropertyName(property.Name);
                    Write(property.Value, json);
                }
                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Write(item, json);
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(element.GetString());
                break;
            default:
                json.WriteRawValue(element.GetRawText());
                break;
        }
    }
}
