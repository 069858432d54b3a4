using System.Buffers;
using System.IO.Pipelines;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// An HTTP/1 request's body on its way to the upstream. An upstream may answer before it has read the body (RFC 9112
/// §9.3), and the copy is then called off. Kestrel's own stream would be left in the middle of a read by that
/// and break the connection under a good answer; here the pending read is taken back in order, and Kestrel drains what
/// is left.
/// </summary>
internal sealed class RequestBodyStream(PipeReader reader, Exchange exchange) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ReadResult result;
        await using (cancellationToken.UnsafeRegister(static state => ((PipeReader)state!).CancelPendingRead(), reader))
            result = await reader.ReadAsync(CancellationToken.None);
        if (result.IsCanceled)
        {
            reader.AdvanceTo(result.Buffer.Start);

            // Answered already: for the upstream the body ends here. Otherwise somebody gave the request up.
            return exchange.Http.Response.HasStarted ? 0 : throw new OperationCanceledException(cancellationToken);
        }

        var part = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
        part.CopyTo(buffer.Span);
        var count = (int)part.Length;
        reader.AdvanceTo(part.End);
        exchange.BytesIn += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("bodies are read asynchronously");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
