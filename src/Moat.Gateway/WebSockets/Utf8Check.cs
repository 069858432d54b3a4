using System.Text.Unicode;

namespace Moat.Gateway.WebSockets;

/// <summary>Tells whether a text is UTF-8 while it comes in pieces that may end inside a character.</summary>
internal struct Utf8Check
{
    // At most three bytes of a character that is not complete yet.
    private uint _open;
    private int _openLength;

    /// <param name="last">Whether the text ends with this piece.</param>
    public bool Add(ReadOnlySpan<byte> piece, bool last)
    {
        Span<byte> character = stackalloc byte[4];
        while (_openLength > 0 && !piece.IsEmpty)
        {
            for (var i = 0; i < _openLength; i++)
                character[i] = (byte)(_open >> (8 * i));
            character[_openLength] = piece[0];
            _open |= (uint)piece[0] << (8 * _openLength);
            _openLength++;
            piece = piece[1..];
            var length = LengthOf(character[0]);
            if (_openLength < length)
            {
                // Only the second byte has a range of its own, so a bad beginning shows before the character is whole.
                if (!MayBegin(character[.._openLength]))
                    return false;
                continue;
            }
            if (!Utf8.IsValid(character[..length]))
                return false;
            _open = 0;
            _openLength = 0;
        }
        if (piece.IsEmpty)
            return !last || _openLength == 0;

        var tail = OpenTail(piece);
        if (!Utf8.IsValid(piece[..^tail]))
            return false;
        if (tail == 0)
            return true;
        if (last || !MayBegin(piece[^tail..]))
            return false;
        for (var i = 0; i < tail; i++)
            _open |= (uint)piece[piece.Length - tail + i] << (8 * i);
        _openLength = tail;
        return true;
    }

    /// <summary>How many bytes at the end begin a character without completing it.</summary>
    private static int OpenTail(ReadOnlySpan<byte> piece)
    {
        for (var back = 1; back <= Math.Min(3, piece.Length); back++)
        {
            var b = piece[^back];
            if (b < 0x80)
                return 0;
            if (b >= 0xC0)
                return LengthOf(b) > back ? back : 0;
        }
        return 0;
    }

    private static int LengthOf(byte first) => first switch { >= 0xF0 => 4, >= 0xE0 => 3, >= 0xC0 => 2, _ => 1 };

    private static bool MayBegin(ReadOnlySpan<byte> start)
    {
        var first = start[0];
        if (first is < 0xC2 or > 0xF4)
            return false;
        if (start.Length > 1)
        {
            // RFC 3629 §4: no overlong form, no surrogate, nothing past U+10FFFF.
            var (low, high) = first switch { 0xE0 => (0xA0, 0xBF), 0xED => (0x80, 0x9F), 0xF0 => (0x90, 0xBF), 0xF4 => (0x80, 0x8F), _ => (0x80, 0xBF) };
            if (start[1] < low || start[1] > high)
                return false;
        }
        return start.Length < 3 || (start[2] & 0xC0) == 0x80;
    }
}
