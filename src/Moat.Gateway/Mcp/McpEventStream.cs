using Moat.Gateway.Streams;

namespace Moat.Gateway.Mcp;

/// <summary>A server-sent stream that is looked into in passing. Owns the inner stream.</summary>
internal sealed class McpEventStream(Stream inner, McpEvents events) : SequentialStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        if (read > 0)
            events.Feed(buffer.Span[..read]);
        else if (!buffer.IsEmpty)
            events.End();
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            events.Dispose();
        }
        base.Dispose(disposing);
    }
}
