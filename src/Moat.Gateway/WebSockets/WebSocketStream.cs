using System.Buffers;
using Moat.Gateway.Streams;

namespace Moat.Gateway.WebSockets;

/// <summary>
/// One side of an accepted WebSocket. What is read from it went through the rules of its direction; what is written to
/// it did so on the other side. Owns the inner stream.
/// </summary>
internal sealed class WebSocketStream(Stream inner, FrameFlow flow, WebSocketRelay relay, bool fromClient) : SequentialStream
{
    private const int PieceLength = 16 * 1024;

    private readonly ArrayBufferWriter<byte> _ready = new();
    private byte[]? _piece;
    private int _taken;
    private bool _ended;

    public override bool CanWrite => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_taken == _ready.WrittenCount && !_ended)
        {
            var into = buffer.IsEmpty ? default : (_piece ??= GC.AllocateUninitializedArray<byte>(PieceLength)).AsMemory();
            var read = await relay.ReadAsync(inner, into, cancellationToken);
            if (buffer.IsEmpty && read == 0 && relay.Violation is null)
                return 0; // no answer, just the news that bytes are there
            Take(read);
        }
        var count = Math.Min(buffer.Length, _ready.WrittenCount - _taken);
        _ready.WrittenSpan.Slice(_taken, count).CopyTo(buffer.Span);
        _taken += count;
        relay.Count(count, fromClient);
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("frames are written asynchronously");

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            flow.Clear();
            inner.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Take(int read)
    {
        _ready.ResetWrittenCount();
        _taken = 0;
        _ended = read == 0;
        if (relay.Violation is null && read > 0)
        {
            flow.Process(_piece.AsSpan(0, read), _ready);
            if (flow.Violation is { } violation)
                relay.Fail(violation);
        }
        if (relay.Violation is not { } reason)
            return;
        _ended = true;
        if (!fromClient)
            FrameFlow.WriteClose(WebSocketRelay.PolicyViolation, "Moat: " + reason, _ready);
    }
}
