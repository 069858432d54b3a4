namespace Moat.Audit;

/// <summary>The members of one JSON object, each already encoded, and their order.</summary>
internal sealed class PayloadBuilder
{
    private const int KeptBytes = 64 * 1024;
    private const int PooledPerThread = 4;

    /// <summary>Deepest nesting of objects in a payload.</summary>
    public const int MaxDepth = 30;

    [ThreadStatic]
    private static Stack<PayloadBuilder>? s_pool;

    private readonly List<Member> _members = [];
    private int _open;
    private ByteBuffer _bytes = new(1024);

    /// <summary>Grows with each return to the pool, so that a stale handle is noticed.</summary>
    public int Use { get; private set; }

    /// <summary>Objects within objects, this one included; a reader accepts <see cref="MaxDepth"/>.</summary>
    public int Depth { get; private set; } = 1;

    public static PayloadBuilder Rent() => s_pool is { Count: > 0 } pool ? pool.Pop() : new PayloadBuilder();

    public void Return()
    {
        Use++;
        Depth = 1;
        _members.Clear();
        _bytes.Clear();
        // One giant payload must not keep its memory for the rest of the run.
        if (_bytes.Array.Length > KeptBytes)
            _bytes = new ByteBuffer(1024);
        s_pool ??= new Stack<PayloadBuilder>();
        if (s_pool.Count < PooledPerThread)
            s_pool.Push(this);
    }

    /// <summary>Writes the key; the caller adds the value to the buffer and calls <see cref="End"/>.</summary>
    public ByteBuffer Begin(string key)
    {
        key = WellFormed(key);
        // Kept in RFC 8785 order (section 3.2.3: by UTF-16 code units) by insertion: payloads have a dozen keys.
        var at = _members.Count;
        while (at > 0)
        {
            var order = string.CompareOrdinal(_members[at - 1].Key, key);
            if (order == 0)
                throw new ArgumentException($"The payload has '{key}' already.", nameof(key));
            if (order < 0)
                break;
            at--;
        }
        _members.Insert(at, new Member(key, _bytes.Length, 0));
        _open = at;
        CanonicalWriter.String(_bytes, key);
        _bytes.Add((byte)':');
        return _bytes;
    }

    /// <summary>Adds a whole object as a member.</summary>
    public void AddObject(string key, PayloadBuilder inner)
    {
        if (inner.Depth >= MaxDepth)
            throw new ArgumentException($"A payload nests at most {MaxDepth} objects.", nameof(inner));
        inner.WriteTo(Begin(key));
        Depth = Math.Max(Depth, inner.Depth + 1);
    }

    public void End() => _members[_open] = _members[_open] with { End = _bytes.Length };

    public int EncodedLength => _bytes.Length + _members.Count + 2;

    public void WriteTo(ByteBuffer output)
    {
        output.Add((byte)'{');
        for (var i = 0; i < _members.Count; i++)
        {
            if (i > 0)
                output.Add((byte)',');
            output.Add(_bytes.Written[_members[i].Start.._members[i].End]);
        }
        output.Add((byte)'}');
    }

    private static string WellFormed(string key)
    {
        for (var i = 0; i < key.Length; i++)
        {
            if (char.IsSurrogate(key[i]))
                return System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(key));
        }
        return key;
    }

    private readonly record struct Member(string Key, int Start, int End);
}
