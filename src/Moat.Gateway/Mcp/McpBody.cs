using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Moat.Policy;

namespace Moat.Gateway.Mcp;

/// <summary>
/// What a request's body asks of an MCP server: JSON-RPC 2.0, one message or a batch of them. A text that two servers could
/// read in two ways (duplicate names, names that differ in case alone, bytes after the end, another encoding) is none.
/// </summary>
internal sealed class McpBody
{
    private const int MaxDepth = 64;
    private const int MaxMembers = 256;
    private const int MaxId = 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };
    private static readonly string[] Envelope = ["jsonrpc", "id", "method", "params", "result", "error"];
    private static readonly string[] CallNames = ["name", "arguments", "_meta"];

    private McpBody(IReadOnlyList<McpMessage> messages, bool isBatch) => (Messages, IsBatch) = (messages, isBatch);

    /// <summary>The messages that ask for something; none where the body is JSON of another kind.</summary>
    public IReadOnlyList<McpMessage> Messages { get; }

    public bool IsBatch { get; }

    /// <param name="error">Why the body has no one meaning; without any of its text.</param>
    /// <returns>Null on an error.</returns>
    public static McpBody? Parse(ReadOnlyMemory<byte> bytes, out string error)
    {
        error = "the body is no JSON that every server reads in one way";
        if (!Utf8.IsValid(bytes.Span))
        {
            error = "the body is not UTF-8";
            return null;
        }
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            var messages = new List<McpMessage>();
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Array)
            {
                if (root.GetArrayLength() > MaxMembers)
                {
                    error = string.Create(CultureInfo.InvariantCulture, $"the batch has more than {MaxMembers} members");
                    return null;
                }
                foreach (var member in root.EnumerateArray())
                {
                    if (member.ValueKind != JsonValueKind.Object)
                    {
                        error = "a member of the batch is no object";
                        return null;
                    }
                    if (Add(member, messages) is { } wrong)
                    {
                        error = wrong;
                        return null;
                    }
                }
            }
            else if (root.ValueKind == JsonValueKind.Object && Add(root, messages) is { } wrong)
            {
                error = wrong;
                return null;
            }
            error = "";
            return new McpBody(messages, root.ValueKind == JsonValueKind.Array);
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            error = "a text of the body holds half of a character";
            return null;
        }
    }

    private static string? Add(JsonElement message, List<McpMessage> messages)
    {
        if (LooksLike(message, Envelope))
            return "a name of the message is one of JSON-RPC's in all but case";
        if (!message.TryGetProperty("method", out var method))
            return null;
        if (method.ValueKind != JsonValueKind.String)
            return "the method is no text";
        string? id = null;
        if (message.TryGetProperty("id", out var given))
        {
            id = given.GetRawText();
            if (given.ValueKind is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.Null) || id.Length > MaxId)
                return "the id is no text and no number, or a very long one";
            if (given.ValueKind == JsonValueKind.String)
                _ = given.GetString();
        }
        var name = method.GetString()!;
        if (name != McpMessage.ToolsCall)
        {
            if (Plain(name) is McpMessage.ToolsCall)
                return "the method is tools/call in all but its spelling";
            messages.Add(new McpMessage(name, id, null, null, []));
            return null;
        }
        return AddCall(message, id, messages);
    }

    private static string? AddCall(JsonElement message, string? id, List<McpMessage> messages)
    {
        if (!message.TryGetProperty("params", out var parameters) || parameters.ValueKind != JsonValueKind.Object)
            return "the call has no object as its params";
        if (LooksLike(parameters, CallNames))
            return "a name of the call's params is one of MCP's in all but case";
        if (!parameters.TryGetProperty("name", out var tool) || tool.ValueKind != JsonValueKind.String)
            return "the call names no tool";
        var sizes = new List<(string, int)>();
        var arguments = McpArguments.None;
        string? unjudged = null;
        if (parameters.TryGetProperty("arguments", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.Object)
                return "the arguments of the call are no object";
            if (!McpArguments.TryRead(given, out arguments, out var error))
                unjudged = error;
            foreach (var property in given.EnumerateObject())
                sizes.Add((property.Name, System.Text.Encoding.UTF8.GetByteCount(property.Value.GetRawText())));
        }
        messages.Add(new McpMessage(McpMessage.ToolsCall, id, new McpCall(tool.GetString()!, arguments), unjudged, sizes));
        return null;
    }

    private static bool LooksLike(JsonElement element, string[] names)
    {
        foreach (var property in element.EnumerateObject())
        {
            var name = property.Name;
            if (Array.IndexOf(names, name) < 0 && Array.IndexOf(names, Plain(name)) >= 0)
                return true;
        }
        return false;
    }

    private static string Plain(string name) => CaseFold.Of(name).Trim().Trim('\0', '/', '\uFEFF', '\u200B');
}
