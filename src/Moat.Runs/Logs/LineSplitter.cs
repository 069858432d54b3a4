using System.Security.Cryptography;

namespace Moat.Runs;

/// <summary>
/// Cuts a stream of bytes into lines, and a long line into chunks of bounded size. A chunk's cut leaves the last bytes
/// behind until they are known not to begin a secret.
/// </summary>
internal sealed class LineSplitter(LogRedactor redactor, Action<ReadOnlyMemory<byte>, bool> emit)
{
    /// <summary>The longest chunk in bytes.</summary>
    public const int MaxChunk = 16 * 1024;

    private byte[] _held = new byte[4096];
    private int _length;
    private bool _continues;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            var piece = end < 0 ? bytes : bytes[..end];
            while (_length + piece.Length > Limit)
            {
                var part = Limit - _length;
                Hold(piece[..part]);
                piece = piece[part..];
                CutChunk();
            }

            Hold(piece);
            if (end < 0) return;
            EndLine();
            bytes = bytes[(end + 1)..];
        }
    }

    /// <summary>What stands after the last line break.</summary>
    public void Complete()
    {
        if (_length > 0 || _continues) EndLine();
        CryptographicOperations.ZeroMemory(_held);
    }

    private int Limit => MaxChunk + redactor.Longest;

    private void EndLine()
    {
        var line = _held.AsSpan(0, _length);
        redactor.Mask(line);
        var length = line is [.., (byte)'\r'] ? _length - 1 : _length;
        emit(_held.AsMemory(0, length), false);
        _length = 0;
        _continues = false;
    }

    private void CutChunk()
    {
        redactor.Mask(_held.AsSpan(0, _length));
        var cut = MaxChunk;
        // Not inside a UTF-8 sequence (RFC 3629: at most three continuation bytes).
        for (var back = 0; back < 3 && (_held[cut] & 0xC0) == 0x80; back++) cut--;
        emit(_held.AsMemory(0, cut), true);
        _held.AsSpan(cut, _length - cut).CopyTo(_held);
        _length -= cut;
        _continues = true;
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > _held.Length) Array.Resize(ref _held, Math.Max(_held.Length * 2, _length + bytes.Length));
        bytes.CopyTo(_held.AsSpan(_length));
        _length += bytes.Length;
    }
}
