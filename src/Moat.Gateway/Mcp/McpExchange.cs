using Moat.Gateway.Redaction;

namespace Moat.Gateway.Mcp;

/// <summary>One request to an MCP server and its answer.</summary>
/// <param name="server">Host, with its port where that is not 443.</param>
/// <param name="body">What the request asks; null where it has no message.</param>
internal sealed class McpExchange(string server, McpBody? body, McpServers servers, McpPins pins, HeldBytes held)
{
    private const string EventStream = "text/event-stream";
    private const string Unreadable = "the MCP server answered in a content coding that the gateway cannot look into";

    public string Server => server;

    public IReadOnlyList<McpMessage> Messages => body?.Messages ?? [];

    private bool AsksForTools => Messages.Any(static m => m.Method == McpMessage.ToolsList);

    /// <summary>Invites no answer that cannot be looked into.</summary>
    public static void Prepare(HttpRequestMessage request)
    {
        if (!request.Headers.NonValidated.TryGetValues("Accept-Encoding", out var accepted))
            return;
        request.Headers.Remove("Accept-Encoding");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", ContentCodings.Narrow(accepted));
    }

    /// <summary>Looks into an answer that may list tools: events in passing, a single message before any of it is passed on.</summary>
    /// <exception cref="RedactionRefusedException">It cannot be looked into, or clients could read it in several ways.</exception>
    public async ValueTask WatchAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var type = response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var types) ? types.ToString() : "";
        var streams = type.TrimStart().StartsWith(EventStream, StringComparison.OrdinalIgnoreCase);
        if (!streams && !AsksForTools)
            return;
        var codings = response.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var values) ? ContentCodings.Parse(values) : [];
        if (codings is null)
            throw new RedactionRefusedException(Unreadable);
        response.Content = streams ? Events(response.Content, codings) : await ListAsync(response.Content, codings, cancellationToken);
    }

    private WatchedContent Events(HttpContent content, List<string> codings)
    {
        var events = new McpEvents(held, See);
        return new WatchedContent(content, codings.Count > 0, body => new McpEventStream(ContentCodings.Decode(body, codings), events));
    }

    private async ValueTask<WatchedContent> ListAsync(HttpContent content, List<string> codings, CancellationToken cancellationToken)
    {
        using var buffer = new HeldBuffer(held, McpEvents.MaxLength);
        try
        {
            if (!await buffer.TryReadAsync(ContentCodings.Decode(await content.ReadAsStreamAsync(cancellationToken), codings), cancellationToken))
                throw new RedactionRefusedException("the MCP server's list of tools is longer than what the gateway looks into");
            pins.See(server, McpToolList.Read(buffer.Bytes));
        }
        catch (FormatException e)
        {
            throw new RedactionRefusedException(e.Message);
        }
        var bytes = buffer.Bytes.ToArray();
        return new WatchedContent(content, codings.Count > 0, _ => new MemoryStream(bytes, writable: false));
    }

    private void See(string type, ReadOnlyMemory<byte> data)
    {
        if (type == "endpoint")
        {
            servers.AddEndpoint(server, System.Text.Encoding.UTF8.GetString(data.Span));
            return;
        }
        try
        {
            pins.See(server, McpToolList.Read(data));
        }
        catch (FormatException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    /// <summary>A body that is read through something else. The upstream content lives until this is disposed.</summary>
    private sealed class WatchedContent : HttpContent
    {
        private readonly HttpContent _inner;
        private readonly Func<Stream, Stream> _wrap;

        public WatchedContent(HttpContent inner, bool decoded, Func<Stream, Stream> wrap)
        {
            (_inner, _wrap) = (inner, wrap);
            foreach (var (name, values) in inner.Headers.NonValidated)
            {
                if (decoded && (name.Equals("Content-Encoding", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)))
                    continue;
                Headers.TryAddWithoutValidation(name, values);
            }
        }

        protected override async Task<Stream> CreateContentReadStreamAsync() => _wrap(await _inner.ReadAsStreamAsync());

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => throw new NotSupportedException("the body is read, not written");

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
