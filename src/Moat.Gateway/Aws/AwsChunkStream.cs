using System.Buffers.Text;
using System.Text;
using Moat.Credentials;
using Moat.Gateway.Streams;

namespace Moat.Gateway.Aws;

/// <summary>
/// A body in AWS's signed chunks on its way through: each chunk is read whole, its signature checked against the sandbox's
/// chain and overwritten, where it stands, with that of the new chain. Signatures have one length, so Content-Length stays
/// true. What does not follow the form ends the request.
/// <code>
///   HEX;chunk-signature=SIGNATURE CRLF data CRLF … 0;chunk-signature=SIGNATURE CRLF [name:value CRLF … x-amz-trailer-signature:SIGNATURE CRLF] CRLF
/// </code>
/// </summary>
/// <param name="inner">The body as it comes.</param>
/// <param name="theirs">The sandbox's chain.</param>
/// <param name="ours">The new one.</param>
/// <param name="hasTrailer">Trailers come behind the last chunk.</param>
/// <param name="isAnswered">True once the body's end does not matter any more.</param>
internal sealed class AwsChunkStream(Stream inner, AwsChunks theirs, AwsChunks ours, bool hasTrailer, Func<bool> isAnswered) : SequentialStream
{
    /// <summary>Bytes of data in one chunk; clients send 64 KiB to 1 MiB.</summary>
    public const int MaxChunk = 2 * 1024 * 1024;

    private const int MaxLine = 128, MaxTrailers = 8 * 1024, SignatureLength = 64, FirstBuffer = 72 * 1024;
    private const string TrailerSignature = "x-amz-trailer-signature";

    private byte[] _buffer = new byte[FirstBuffer];
    private int _start, _ready, _end;
    private bool _sawLast, _isWhole;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_start == _ready)
        {
            if (!_isWhole && TryTake())
                continue;
            if (_isWhole && _end > _ready)
                throw new AwsPayloadException("the body goes on behind its last chunk");
            MakeRoom();
            var count = await inner.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (count == 0)
                return _isWhole || isAnswered() ? 0 : throw new AwsPayloadException("the body ends before its last chunk");
            _end += count;
        }
        if (buffer.IsEmpty)
            return 0;
        var part = _buffer.AsMemory(_start, Math.Min(buffer.Length, _ready - _start));
        part.CopyTo(buffer);
        _start += part.Length;
        return part.Length;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Moves what is not sent yet to the front, and grows for a chunk that is longer than any before.</summary>
    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_ready, _end, _start) = (_ready - _start, _end - _start, 0);
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, MaxChunk + (2 * MaxLine)));
    }

    /// <summary>Signs the next chunk, or the trailers, if it is there whole.</summary>
    private bool TryTake()
    {
        var rest = _buffer.AsSpan(_ready, _end - _ready);
        return _sawLast ? TryTakeTrailers(rest) : TryTakeChunk(rest);
    }

    private bool TryTakeChunk(Span<byte> rest)
    {
        var line = rest.IndexOf("\r\n"u8);
        if (line < 0)
            return rest.Length <= MaxLine ? false : throw Malformed();
        var head = rest[..line];
        var mark = head.IndexOf(";chunk-signature="u8);
        if (mark <= 0 || mark > 8 || head.Length != mark + 17 + SignatureLength || !Utf8Parser.TryParse(head[..mark], out int size, out var used, 'x') || used != mark || size < 0)
            throw Malformed();
        if (size > MaxChunk)
            throw new AwsPayloadException($"a signed chunk is longer than {MaxChunk >> 20} MiB");
        _sawLast = size == 0;
        var isLast = _sawLast && hasTrailer;
        var length = line + 2 + size + (isLast ? 0 : 2);
        if (rest.Length < length)
        {
            _sawLast = false;
            return false;
        }
        if (!isLast && !rest[(length - 2)..length].SequenceEqual("\r\n"u8))
            throw Malformed();
        var hash = SigV4.HashOf(rest.Slice(line + 2, size));
        Resign(head[(mark + 17)..], theirs.Next(hash), ours.Next(hash));
        _isWhole = _sawLast && !hasTrailer;
        _ready += length;
        return true;
    }

    private bool TryTakeTrailers(Span<byte> rest)
    {
        var end = rest.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return rest.Length <= MaxTrailers ? false : throw Malformed();
        var lines = Encoding.Latin1.GetString(rest[..end]).Split("\r\n");
        var text = new StringBuilder();
        foreach (var line in lines[..^1])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
                throw Malformed();
            text.Append(line[..colon].Trim().ToLowerInvariant()).Append(':').Append(line.AsSpan(colon + 1).Trim()).Append('\n');
        }
        var last = lines[^1];
        if (!last.StartsWith(TrailerSignature + ":", StringComparison.OrdinalIgnoreCase) || last.Length != TrailerSignature.Length + 1 + SignatureLength)
            throw Malformed();
        Resign(rest.Slice(end - SignatureLength, SignatureLength), theirs.Trailer(text.ToString()), ours.Trailer(text.ToString()));
        _isWhole = true;
        _ready += end + 4;
        return true;
    }

    private static void Resign(Span<byte> place, string expected, string signature)
    {
        if (!SigV4.AreEqual(Encoding.Latin1.GetString(place), expected))
            throw new AwsPayloadException("a chunk's signature is not the placeholder's over it");
        Encoding.ASCII.GetBytes(signature, place);
    }

    private static AwsPayloadException Malformed() => new("the body is not in AWS's signed chunks");
}
