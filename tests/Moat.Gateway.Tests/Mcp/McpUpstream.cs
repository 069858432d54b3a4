using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests.Mcp;

/// <summary>An MCP server over streamable HTTP that reads leniently and notes each tool that it was asked to run.</summary>
internal sealed class McpUpstream
{
    public ConcurrentQueue<string> Bodies { get; } = new();

    public ConcurrentQueue<string> Called { get; } = new();

    /// <summary>Description of the tool <c>search</c>.</summary>
    public string Description { get; set; } = "Searches.";

    /// <summary>Answers as events.</summary>
    public bool Streams { get; set; }

    /// <summary>Where a stream of revision 2024-11-05 sends its messages; null without one.</summary>
    public string? Endpoint { get; set; }

    public async Task HandleAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync($"event: endpoint\ndata: {Endpoint}\n\n");
            return;
        }
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        Bodies.Enqueue(body);
        string answer;
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            answer = root.ValueKind == JsonValueKind.Array
                ? "[" + string.Join(',', root.EnumerateArray().Select(Answer)) + "]"
                : Answer(root);
        }
        catch (JsonException)
        {
            answer = "{}";
        }
        if (Streams)
        {
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            await context.Response.WriteAsync($": hello\r\nevent: message\r\nid: 1\r\ndata: {answer}\r\n\r\n");
            return;
        }
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer);
    }

    private string Answer(JsonElement message)
    {
        var id = message.TryGetProperty("id", out var given) ? given.GetRawText() : "null";
        switch (message.TryGetProperty("method", out var method) ? method.GetString() : "")
        {
            case "tools/list":
                var description = JsonSerializer.Serialize(Description);
                return $$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"tools":[{"name":"search","description":{{{description}}},"inputSchema":{"type":"object"}}],"nextCursor":"2"}}""";
            case "tools/call":
                var name = message.GetProperty("params").GetProperty("name").GetString()!;
                Called.Enqueue(name);
                return $$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"content":[{"type":"text","text":"ran"}]}}""";
            default:
                return $$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{}}""";
        }
    }

    public static string Call(string tool, string arguments = "{}", string id = "7") =>
        $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"tools/call","params":{"name":"{{{tool}}}","arguments":{{{arguments}}}}}""";

    public static HttpRequestMessage Post(byte[] body, string? type = "application/json", string host = Scene.Plain, string path = "/mcp")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"https://{host}{path}") { Content = new ByteArrayContent(body) };
        if (type is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        return request;
    }

    public static HttpRequestMessage Post(string body, string? type = "application/json", string host = Scene.Plain, string path = "/mcp") => Post(Encoding.UTF8.GetBytes(body), type, host, path);
}
