namespace Moat.Bench;

/// <summary>
/// A socket under TLS, read and written in large pieces: TLS alone would take a system call or three for each record of
/// 16 KiB, on the two processors that the measured program needs. Written bytes leave when the buffer is full or at a flush.
/// </summary>
internal sealed class WideStream(Stream inner) : Stream
{
    private readonly byte[] read = new byte[1 << 18];
    private readonly byte[] written = new byte[1 << 18];
    private int from, to, held;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (from == to) (from, to) = (0, await inner.ReadAsync(read, cancellationToken));
        var count = Math.Min(buffer.Length, to - from);
        read.AsSpan(from, count).CopyTo(buffer.Span);
        from += count;
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length > written.Length - held) await FlushAsync(cancellationToken);
        buffer.CopyTo(written.AsMemory(held));
        held += buffer.Length;
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        var count = held;
        held = 0;
        if (count > 0) await inner.WriteAsync(written.AsMemory(0, count), cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
