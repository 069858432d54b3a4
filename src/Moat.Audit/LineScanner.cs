using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;

namespace Moat.Audit;

/// <summary>What the verifier needs of one line.</summary>
internal struct ScannedLine
{
    public bool IsCanonical;
    public long Seq;
    public long Mono;
    public long TimeTicks;
    public long Intent;
    public Hash32 Prev;
    public Range Payload;
    public Range Type;
}

[InlineArray(32)]
internal struct Hash32
{
    private byte _first;
}

/// <summary>
/// Reads one line and refuses every form but the one that <see cref="RecordLine"/> writes: RFC 8785 with integers only,
/// so that a record has exactly one encoding and a duplicate key, a blank or a second spelling is told at once.
/// </summary>
internal ref struct LineScanner
{
    private const int MaxDepth = 32;
    private static readonly SearchValues<byte> Special = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(static i => (byte)i), (byte)'"', (byte)'\\']);

    private readonly ReadOnlySpan<byte> _line;
    private int _at;
    private long _intent;

    private LineScanner(ReadOnlySpan<byte> line)
    {
        _line = line;
        _intent = -1;
    }

    public static ScannedLine Scan(ReadOnlySpan<byte> line)
    {
        var scanned = default(ScannedLine);
        var scanner = new LineScanner(line);
        scanned.IsCanonical = line.Length <= RecordLine.MaxLine && Utf8.IsValid(line) && scanner.Record(ref scanned);
        return scanned;
    }

    private bool Record(ref ScannedLine result)
    {
        if (!Take("{\"mono\":"u8) || !Integer(out result.Mono) || result.Mono < 0 || !Take(",\"payload\":"u8))
            return false;
        var start = _at;
        if (!Object(1))
            return false;
        result.Payload = start.._at;
        result.Intent = _intent;
        if (!Take(",\"prev\":\""u8) || _line.Length - _at < 64 || !Hex(_line.Slice(_at, 64), result.Prev))
            return false;
        _at += 64;
        if (!Take("\",\"seq\":"u8) || !Integer(out result.Seq) || result.Seq < 0 || !Take(",\"time\":\""u8) || _line.Length - _at < 28)
            return false;
        const string form = "0000-00-00T00:00:00.0000000Z";
        if (!Utf8Parser.TryParse(_line.Slice(_at, form.Length), out DateTime time, out var used, 'O')
            || used != form.Length || time.Kind != DateTimeKind.Utc)
            return false;
        result.TimeTicks = time.Ticks;
        _at += form.Length;
        if (!Take("\",\"type\":"u8))
            return false;
        start = _at + 1;
        if (!String())
            return false;
        result.Type = start..(_at - 1);
        return Take("}"u8) && _at == _line.Length;
    }

    private bool Object(int depth)
    {
        if (depth > MaxDepth || !Take("{"u8))
            return false;
        if (Take("}"u8))
            return true;
        ReadOnlySpan<byte> last = default;
        for (var first = true; ; first = false)
        {
            var start = _at;
            if (!String())
                return false;
            var key = _line[start.._at];
            if ((!first && !Before(last, key)) || !Take(":"u8))
                return false;
            last = key;
            var value = _at;
            if (!Value(depth))
                return false;
            if (depth == 1 && key.SequenceEqual("\"intent\""u8)
                && Utf8Parser.TryParse(_line[value.._at], out long intent, out var used) && used == _at - value)
                _intent = intent;
            if (Take("}"u8))
                return true;
            if (!Take(","u8))
                return false;
        }
    }

    private bool Array(int depth)
    {
        if (depth > MaxDepth || !Take("["u8))
            return false;
        if (Take("]"u8))
            return true;
        while (Value(depth))
        {
            if (Take("]"u8))
                return true;
            if (!Take(","u8))
                return false;
        }
        return false;
    }

    private bool Value(int depth) => _at < _line.Length && _line[_at] switch
    {
        (byte)'"' => String(),
        (byte)'{' => Object(depth + 1),
        (byte)'[' => Array(depth + 1),
        (byte)'t' => Take("true"u8),
        (byte)'f' => Take("false"u8),
        (byte)'n' => Take("null"u8),
        _ => Integer(out _),
    };

    private bool String()
    {
        if (!Take("\""u8))
            return false;
        while (true)
        {
            var next = _line[_at..].IndexOfAny(Special);
            if (next < 0)
                return false;
            _at += next;
            if (_line[_at] == '"')
            {
                _at++;
                return true;
            }
            if (_line[_at] != '\\' || !Escape())
                return false;
        }
    }

    /// <summary>RFC 8785 section 3.2.2.2: the seven short escapes, and \u00xx in lower case for the other control characters.</summary>
    private bool Escape()
    {
        var rest = _line[(_at + 1)..];
        if (rest.Length > 0 && "\"\\btnfr"u8.Contains(rest[0]))
        {
            _at += 2;
            return true;
        }
        if (rest.Length < 5 || !rest.StartsWith("u00"u8) || rest[3] is not ((byte)'0' or (byte)'1'))
            return false;
        var low = "0123456789abcdef"u8.IndexOf(rest[4]);
        var code = ((rest[3] - '0') * 16) + low;
        _at += 6;
        return low >= 0 && code is not (8 or 9 or 10 or 12 or 13);
    }

    private bool Integer(out long value)
    {
        var rest = _line[_at..];
        if (!Utf8Parser.TryParse(rest, out value, out var used) || value is > CanonicalWriter.MaxInteger or < -CanonicalWriter.MaxInteger)
            return false;
        // One spelling alone: no plus sign, no leading zero, no minus zero.
        var digits = rest[0] == '-' ? rest[1..used] : rest[..used];
        if (digits[0] is < (byte)'0' or > (byte)'9' || (digits[0] == '0' && (digits.Length > 1 || rest[0] == '-')))
            return false;
        _at += used;
        return true;
    }

    private bool Take(ReadOnlySpan<byte> token)
    {
        if (!_line[_at..].StartsWith(token))
            return false;
        _at += token.Length;
        return true;
    }

    private static bool Hex(ReadOnlySpan<byte> text, Span<byte> result)
    {
        // Lower case alone, since an upper-case digit would be a second spelling.
        return text.IndexOfAnyInRange((byte)'A', (byte)'F') < 0
            && Convert.FromHexString(text, result, out _, out var written) == OperationStatus.Done && written == 32;
    }

    /// <summary>RFC 8785 section 3.2.3: keys ascend by UTF-16 code units, and none comes twice.</summary>
    private static bool Before(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var same = left.CommonPrefixLength(right);
        if (same == left.Length || same == right.Length)
            return false;
        var (l, r) = (left[same], right[same]);
        // Where neither an escape nor a multi-byte character is involved, the bytes sort as the code units do.
        if (l < 0x80 && r < 0x80 && l != '\\' && r != '\\' && !left[..same].Contains((byte)'\\'))
            return l == '"' || (r != '"' && l < r);
        return string.CompareOrdinal(Decode(left), Decode(right)) < 0;
    }

    private static string? Decode(ReadOnlySpan<byte> quoted)
    {
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.GetString();
    }
}
