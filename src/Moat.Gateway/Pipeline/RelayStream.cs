using Moat.Gateway.Streams;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// A body on its way through: counts, and sends the response's head as soon as the body keeps it waiting, so that a
/// client of a slow stream sees the head at once while a ready body still shares one packet with it.
/// </summary>
internal sealed class RelayStream(Stream inner, Exchange exchange, RelayStream.Direction direction) : SequentialStream
{
    internal enum Direction
    {
        Request,
        Response,
    }

    private bool _headSent;

    /// <summary>True once the inner stream was read to its end.</summary>
    public bool Ended { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(buffer, cancellationToken);
        if (!read.IsCompletedSuccessfully)
            return AwaitAsync(read, buffer.IsEmpty, cancellationToken);
        var count = read.Result;
        Count(count, buffer.IsEmpty);
        return new ValueTask<int>(count);
    }

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
