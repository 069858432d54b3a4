using System.IO.Compression;
using Moat.Gateway.Streams;

namespace Moat.Gateway.Redaction;

/// <summary>
/// The <c>deflate</c> coding: by RFC 9110 §8.4.1.2 the zlib format, but some servers send bare deflate data. The first
/// two bytes tell (RFC 1950 §2.2).
/// </summary>
internal sealed class DeflateBody(Stream inner) : SequentialStream
{
    private Stream? _decoder;

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
