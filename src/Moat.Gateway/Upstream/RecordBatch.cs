using System.Buffers;
using Moat.Gateway.Streams;

namespace Moat.Gateway.Upstream;

/// <summary>
/// The wire under an upstream's TLS. <see cref="System.Net.Security.SslStream"/> writes each record by itself, and a
/// large body would cost a send and a wake-up of the other side for every 16 KiB. Between <see cref="Hold"/> and
/// <see cref="ReleaseAsync"/> the records of one write are collected here and go out together; nothing is ever kept
/// back after that write. Records of the read side's own (a key update) keep their place among them.
/// </summary>
internal sealed class RecordBatch(Stream wire) : SequentialStream
{
    // Four full records with their heads and tags: what the forwarder hands on at once, and as much as one TCP send can take.
    private const int Capacity = 4 * (16 * 1024 + 64);

    private readonly Lock _lock = new();
    private byte[]? _held;
    private int _count;

    public override bool CanWrite => true;

    /// <summary>Collects from here on. One writer at a time.</summary>
    internal void Hold()
    {
        lock (_lock) _held ??= ArrayPool<byte>.Shared.Rent(Capacity);
    }

    /// <summary>Sends what was collected; to be called after a failed write too, for what went before it.</summary>
    internal async ValueTask ReleaseAsync(CancellationToken cancel)
    {
        byte[]? held;
        int count;
        lock (_lock) (held, count, _held, _count) = (_held, _count, null, 0);
        if (held is null) return;
        try
        {
            if (count > 0) await wire.WriteAsync(held.AsMemory(0, count), cancel).ConfigureAwait(false);
        }
        finally
        {
            // Ciphertext alone: nothing to wipe.
            ArrayPool<byte>.Shared.Return(held);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_held is null) return wire.WriteAsync(buffer, cancellationToken);
            if (buffer.Length <= _held.Length - _count)
            {
                buffer.Span.CopyTo(_held.AsSpan(_count));
                _count += buffer.Length;
                return ValueTask.CompletedTask;
            }
        }
        return OverflowAsync(buffer, cancellationToken);
    }

    private async ValueTask OverflowAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancel)
    {
        await ReleaseAsync(cancel).ConfigureAwait(false);
        Hold();
        if (buffer.Length > Capacity) await wire.WriteAsync(buffer, cancel).ConfigureAwait(false);
        else await WriteAsync(buffer, cancel).ConfigureAwait(false);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => wire.ReadAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => wire.FlushAsync(cancellationToken);

    public override void Flush() => wire.Flush();

    // SslStream sends its close_notify in Dispose, which cannot wait.
    public override void Write(byte[] buffer, int offset, int count) => wire.Write(buffer, offset, count);

    protected override void Dispose(bool disposing)
    {
        if (disposing) wire.Dispose();
        base.Dispose(disposing);
    }
}
