using System.Buffers;
using Moat.Gateway.Streams;

namespace Moat.Gateway.Redaction;

/// <summary>
/// What is read through it is redacted; what is written passes (an upgraded connection is one stream for both
/// directions). Reads go straight into the caller's buffer; each returns as soon as one byte is final. Owns the inner stream.
/// </summary>
/// <remarks><c>atEnd</c> is called once when the inner stream ended: its trailers have arrived.</remarks>
internal sealed class RedactingStream(Stream inner, SecretRedactor redactor, Action? atEnd = null) : SequentialStream
{
    // A caller's buffer that leaves less room than this for new bytes is served from an own buffer.
    private const int MinRoom = 1024;
    private const int OwnLength = 16 * 1024;

    // Given back when the stream ended; a stream that is disposed in the middle keeps it, for a read may still use it.
    private RedactionWindow? _window = redactor.RentWindow();
    private byte[]? _own;
    private int _ownStart;
    private int _ownEnd;
    private bool _ended;

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ownStart < _ownEnd) return TakeOwn(buffer.Span);
        if (_ended || _window is not { } window) return 0;
        if (buffer.IsEmpty) return await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (buffer.Length >= window.MaxHeld + MinRoom) return await FillAsync(window, buffer, cancellationToken).ConfigureAwait(false);

        _own ??= ArrayPool<byte>.Shared.Rent(window.MaxHeld + OwnLength);
        var own = _own;
        _ownEnd = await FillAsync(window, own, cancellationToken).ConfigureAwait(false);
        _ownStart = 0;
        return TakeOwn(buffer.Span);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    private async ValueTask<int> FillAsync(RedactionWindow window, Memory<byte> buffer, CancellationToken cancel)
    {
        while (true)
        {
            var held = window.Restore(buffer.Span);
            var read = await inner.ReadAsync(buffer[held..], cancel).ConfigureAwait(false);
            _ended = read == 0;
            var settled = window.Settle(buffer.Span[..(held + read)], _ended);
            if (_ended)
            {
                atEnd?.Invoke();
                if (Interlocked.Exchange(ref _window, null) is { } mine) redactor.Return(mine);
            }
            if (settled > 0 || _ended) return settled;
        }
    }

    private int TakeOwn(Span<byte> buffer)
    {
        var length = Math.Min(buffer.Length, _ownEnd - _ownStart);
        _own.AsSpan(_ownStart, length).CopyTo(buffer);
        _ownStart += length;
        return length;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Interlocked.Exchange(ref _window, null)?.Clear();
            if (Interlocked.Exchange(ref _own, null) is { } own) ArrayPool<byte>.Shared.Return(own, clearArray: true);
            _ownStart = _ownEnd = 0;
            _ended = true;
            inner.Dispose();
        }
        base.Dispose(disposing);
    }
}
