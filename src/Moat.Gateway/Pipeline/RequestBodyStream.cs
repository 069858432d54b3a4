using System.Buffers;
using System.IO.Pipelines;
using Moat.Gateway.Streams;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// An HTTP/1 request's body on its way to the upstream. An upstream may answer before it has read the body (RFC 9112
/// §9.3), and the copy is then called off. Kestrel's own stream would be left in the middle of a read by that
/// and break the connection under a good answer; here the pending read is taken back in order, and Kestrel drains what
/// is left.
/// <para>
/// A read hands on all that has come, up to the caller's buffer: the pipe gives one TLS record at a time, and each
/// would be a send of its own. Nothing is waited for once there is something to hand on. A read that was begun for
/// more and found nothing stays pending for the next call; <see cref="SettleAsync"/> takes it back at the end.
/// </para>
/// </summary>
internal sealed class RequestBodyStream(PipeReader reader, Exchange exchange) : SequentialStream
{
    private ValueTask<ReadResult>? _ahead;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var pending = _ahead ?? reader.ReadAsync(CancellationToken.None);
        _ahead = null;
        ReadResult result;
        if (pending.IsCompletedSuccessfully)
        {
            result = pending.Result;
        }
        else
        {
            await using (cancellationToken.UnsafeRegister(static state => ((PipeReader)state!).CancelPendingRead(), reader))
                result = await pending;
        }
        if (result.IsCanceled)
        {
            reader.AdvanceTo(result.Buffer.Start);

            // Answered already: for the upstream the body ends here. Otherwise somebody gave the request up.
            return exchange.Http.Response.HasStarted ? 0 : throw new OperationCanceledException(cancellationToken);
        }

        var count = Take(result, buffer.Span);
        while (count > 0 && count < buffer.Length && !result.IsCompleted)
        {
            var next = reader.ReadAsync(CancellationToken.None);
            if (!next.IsCompletedSuccessfully)
            {
                _ahead = next;
                break;
            }
            result = next.Result;
            if (result.IsCanceled)
            {
                // For the next call, which is the one that was meant.
                reader.AdvanceTo(result.Buffer.Start);
                reader.CancelPendingRead();
                break;
            }
            count += Take(result, buffer.Span[count..]);
        }
        exchange.BytesIn += count;
        return count;
    }

    /// <summary>Leaves the pipe with no read pending, as Kestrel needs it to drain the rest. After the last read of this stream.</summary>
    internal async ValueTask SettleAsync()
    {
        if (_ahead is not { } pending)
            return;
        _ahead = null;
        reader.CancelPendingRead();
        try
        {
            var result = await pending;
            reader.AdvanceTo(result.Buffer.Start);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away or broke the protocol: Kestrel ends the connection, and no read is left either way.
        }
    }

    private int Take(in ReadResult result, Span<byte> destination)
    {
        var part = result.Buffer.Slice(0, Math.Min(destination.Length, result.Buffer.Length));
        part.CopyTo(destination);
        reader.AdvanceTo(part.End);
        return (int)part.Length;
    }
}
