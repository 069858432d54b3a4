using System.IO.Compression;

namespace Moat.Gateway.Redaction;

/// <summary>
/// The <c>deflate</c> coding: by RFC 9110 §8.4.1.2 the zlib format, but some servers send bare deflate data. The first
/// two bytes tell (RFC 1950 §2.2).
/// </summary>
internal sealed class DeflateBody(Stream inner) : Stream
{
    private Stream? _decoder;

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_decoder is null)
        {
            var start = new byte[2];
            var length = await inner.ReadAtLeastAsync(start, 2, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (length == 0) return 0;
            var rest = new PrefixedStream(start.AsMemory(0, length), inner);
            var zlib = length == 2 && (start[0] & 0x0F) == 8 && (start[0] << 8 | start[1]) % 31 == 0;
            _decoder = zlib ? new ZLibStream(rest, CompressionMode.Decompress) : new DeflateStream(rest, CompressionMode.Decompress);
        }
        return await _decoder.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("the gateway reads asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder?.Dispose();
            inner.Dispose();
        }
        base.Dispose(disposing);
    }
}
