namespace Moat.Gateway.Databases;

/// <summary>
/// Follows the frames of a database's answers, so that the relay knows where one ends: a secret never reaches over that
/// end, and nothing before it has to be held back. It changes nothing and holds a few bytes, whatever the frames' size.
/// </summary>
internal abstract class FrameScanner
{
    /// <summary>Takes the next bytes.</summary>
    /// <returns>How many of them belong to frames that are complete now; 0 when none is.</returns>
    public int Advance(ReadOnlySpan<byte> bytes)
    {
        var (at, end) = (0, 0);
        while (at < bytes.Length)
        {
            at += Take(bytes[at..], out var complete);
            if (complete) end = at;
        }
        return end;
    }

    /// <summary>Takes at least one byte of the current frame and none of the next.</summary>
    protected abstract int Take(ReadOnlySpan<byte> bytes, out bool complete);
}

/// <summary>Frames with a head of fixed size that says how many bytes follow.</summary>
internal sealed class HeadedFrames(int headLength, Func<byte[], long> bodyLength) : FrameScanner
{
    private readonly byte[] _head = new byte[headLength];
    private int _headed;
    private long _body;

    /// <summary>PostgreSQL: a type, then a length that counts itself.</summary>
    public static HeadedFrames Postgres() => new(5, static head => Math.Max(0, (long)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(1)) - 4));

    /// <summary>MySQL: a length of three bytes, then a number.</summary>
    public static HeadedFrames MySql() => new(4, static head => head[0] | (head[1] << 8) | (head[2] << 16));

    protected override int Take(ReadOnlySpan<byte> bytes, out bool complete)
    {
        if (_headed < headLength)
        {
            var count = Math.Min(headLength - _headed, bytes.Length);
            bytes[..count].CopyTo(_head.AsSpan(_headed));
            _headed += count;
            if (_headed == headLength) _body = bodyLength(_head);
            complete = Ended();
            return count;
        }
        var taken = (int)Math.Min(_body, bytes.Length);
        _body -= taken;
        complete = Ended();
        return taken;
    }

    private bool Ended()
    {
        if (_headed < headLength || _body > 0) return false;
        _headed = 0;
        return true;
    }
}

/// <summary>Redis' answers (RESP2 and RESP3): lines, and behind some of them bytes that the line counts.</summary>
internal sealed class RespFrames : FrameScanner
{
    private const long MaxBulk = 1L << 40;

    private byte _type;
    private byte _last;
    private bool _counts;
    private long _number;
    private long _bulk;

    protected override int Take(ReadOnlySpan<byte> bytes, out bool complete)
    {
        complete = false;
        if (_bulk > 0)
        {
            var taken = (int)Math.Min(_bulk, bytes.Length);
            _bulk -= taken;
            complete = _bulk == 0;
            return taken;
        }
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes[i];
            if (_type == 0)
            {
                (_type, _last, _number, _counts) = (b, 0, 0, b is (byte)'$' or (byte)'=' or (byte)'!');
                continue;
            }
            if (b == '\n' && _last == '\r')
            {
                if (_counts && _number >= 0) _bulk = _number + 2;
                _type = 0;
                complete = _bulk == 0;
                return i + 1;
            }
            if (_counts && b is >= (byte)'0' and <= (byte)'9' && _number is >= 0 and < MaxBulk) _number = (_number * 10) + (b - '0');
            else if (b != '\r') (_number, _counts) = (-1, false);
            _last = b;
        }
        return bytes.Length;
    }
}
