namespace Moat.Gateway.Pipeline;

/// <summary>
/// A body on its way through: counts, and sends the response's head as soon as the body keeps it waiting, so that a
/// client of a slow stream sees the head at once while a ready body still shares one packet with it.
/// </summary>
internal sealed class RelayStream(Stream inner, Exchange exchange, RelayStream.Direction direction) : Stream
{
    internal enum Direction
    {
        Request,
        Response,
    }

    private bool _headSent;

    /// <summary>True once the inner stream was read to its end.</summary>
    public bool Ended { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(buffer, cancellationToken);
        if (!read.IsCompletedSuccessfully)
            return AwaitAsync(read, buffer.IsEmpty, cancellationToken);
        var count = read.Result;
        Count(count, buffer.IsEmpty);
        return new ValueTask<int>(count);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("bodies are read asynchronously");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> AwaitAsync(ValueTask<int> read, bool peeks, CancellationToken cancellationToken)
    {
        if (direction == Direction.Response && !_headSent)
        {
            _headSent = true;
            await exchange.Http.Response.Body.FlushAsync(cancellationToken);
        }
        var count = await read;
        Count(count, peeks);
        return count;
    }

    private void Count(int bytes, bool peeked)
    {
        Ended |= bytes == 0 && !peeked;
        if (direction == Direction.Request)
        {
            exchange.BytesIn += bytes;
        }
        else
        {
            exchange.BytesOut += bytes;
            _headSent = true;
        }
    }
}
