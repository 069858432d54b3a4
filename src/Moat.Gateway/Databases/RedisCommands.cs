using System.Buffers;
using System.Globalization;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>
/// Follows Redis' commands (arrays of counted strings, RESP), strictly, so that no server reads them in another way. Those
/// of which <see cref="RedisRules"/> speaks are held until they are whole and then decided; all others stream through.
/// </summary>
internal sealed class RedisCommands : CommandFilter
{
    private const int MaxArguments = 1 << 20;
    private const int MaxBulk = 512 << 20;

    /// <summary>A command that is decided on has some words; this bounds what is held of it.</summary>
    private const int MaxHeld = 16 * 1024;

    private readonly ArrayBufferWriter<byte> _held = new(256);
    private readonly List<byte[]> _arguments = [];
    private readonly byte[] _line = new byte[16];
    private int _lined;
    private int _left;          // arguments of the command that are still to come
    private int _body = -1;     // bytes of the argument, its line end included; -1: its length is to come
    private int _bodyStart;
    private bool _holds;
    private bool _passed;       // something went to the server, so an answer may be under way

    public override void Take(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> upstream, ArrayBufferWriter<byte> answer)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var taken = _body < 0 ? TakeLine(bytes[at..], upstream) : TakeBody(bytes[at..], upstream);
            at += taken;
            if (_left == 0 && _body < 0 && _lined == 0 && _holds) Decide(upstream, answer);
        }
    }

    // *3\r\n or $5\r\n
    private int TakeLine(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> upstream)
    {
        var isNew = _left == 0;
        if (_lined == 0 && bytes[0] != (isNew ? (byte)'*' : (byte)'$')) throw new SessionException("only Redis commands as arrays of strings are passed");
        for (var i = 0; i < bytes.Length; i++)
        {
            if (_lined == _line.Length) throw SessionException.Malformed("a Redis command");
            _line[_lined++] = bytes[i];
            if (bytes[i] != '\n') continue;
            var number = Number(_line.AsSpan(1, _lined - 1));
            if (isNew)
            {
                if (number is < 1 or > MaxArguments) throw SessionException.Malformed("a Redis command");
                (_left, _holds) = (number, true);
            }
            else
            {
                if (number > MaxBulk) throw SessionException.Malformed("a Redis command");
                _body = number + 2;
            }
            Keep(_line.AsSpan(0, _lined), upstream);
            _lined = 0;
            if (!isNew && _holds) Begin(number, upstream);
            return i + 1;
        }
        return bytes.Length;
    }

    private int TakeBody(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> upstream)
    {
        var taken = Math.Min(_body, bytes.Length);
        for (var i = 0; i < taken; i++)
        {
            // The two bytes behind the argument.
            var rest = _body - i;
            if ((rest == 2 && bytes[i] != '\r') || (rest == 1 && bytes[i] != '\n')) throw SessionException.Malformed("a Redis command");
            if (rest > 2) i += Math.Min(rest - 2, taken - i) - 1;
        }
        Keep(bytes[..taken], upstream);
        _body -= taken;
        if (_body > 0) return taken;
        (_body, _left) = (-1, _left - 1);
        if (!_holds) return taken;
        _arguments.Add(_held.WrittenSpan[_bodyStart..^2].ToArray());
        if (_arguments.Count == 1 && !RedisRules.Speaks(_arguments[0])) Release(upstream);
        return taken;
    }

    /// <summary>An argument begins. A name that is longer than any that is spoken of is of no interest.</summary>
    private void Begin(int length, ArrayBufferWriter<byte> upstream)
    {
        _bodyStart = _held.WrittenCount;
        if (_arguments.Count == 0 && length > RedisRules.MaxName) Release(upstream);
        else if (_held.WrittenCount + length > MaxHeld) throw new SessionException("a Redis command that is decided on is too long");
    }

    private void Keep(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> upstream)
    {
        if (_holds)
        {
            if (_held.WrittenCount + bytes.Length > 2 * MaxHeld) throw new SessionException("a Redis command that is decided on is too long");
            _held.Write(bytes);
            return;
        }
        upstream.Write(bytes);
        _passed = true;
    }

    private void Release(ArrayBufferWriter<byte> upstream)
    {
        _holds = false;
        Keep(_held.WrittenSpan, upstream);
        Forget();
    }

    private void Decide(ArrayBufferWriter<byte> upstream, ArrayBufferWriter<byte> answer)
    {
        var words = _arguments.ConvertAll(Encoding.Latin1.GetString);
        switch (RedisRules.Decide(words))
        {
            case RedisRules.Verdict.Pass:
                Release(upstream);
                return;
            case RedisRules.Verdict.Answer when _passed:
                // Our answer would come between those of the server.
                throw new SessionException("AUTH comes before every other command, or not at all: the gateway has logged in");
            case RedisRules.Verdict.Answer:
                answer.Write("+OK\r\n"u8);
                break;
            default:
                _passed = true;
                var rewritten = RedisRules.WithoutLogin(_arguments);
                upstream.Write(rewritten);
                break;
        }
        _holds = false;
        Forget();
    }

    private void Forget()
    {
        _held.Clear();
        _arguments.Clear();
    }

    // Digits without a sign or a leading zero, then CR LF.
    private static int Number(ReadOnlySpan<byte> line)
    {
        if (line.Length < 3 || line[^2] != '\r' || (line[0] == '0' && line.Length > 3) || line[..^2].ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || !int.TryParse(line[..^2], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw SessionException.Malformed("a Redis command");
        return number;
    }
}
