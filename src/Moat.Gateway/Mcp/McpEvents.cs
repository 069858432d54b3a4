namespace Moat.Gateway.Mcp;

/// <summary>
/// Finds the events in a server-sent stream (HTML, §9.2.6) while it passes: a line ends with CR, LF or both, an event with an
/// empty line.
/// </summary>
/// <param name="onEvent">Called with the event's type and data before the bytes that end it are passed on.</param>
internal sealed class McpEvents(HeldBytes held, Action<string, ReadOnlyMemory<byte>> onEvent) : IDisposable
{
    /// <summary>Bytes of one event.</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    private readonly HeldBuffer _line = new(held, MaxLength);
    private readonly HeldBuffer _data = new(held, MaxLength);
    private string _type = "";
    private bool _first = true;
    private bool _afterReturn;

    /// <exception cref="InvalidDataException">An event is longer than what is looked into.</exception>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        if (_afterReturn && bytes is [(byte)'\n', ..])
            bytes = bytes[1..];
        if (bytes.IsEmpty)
            return;
        _afterReturn = false;
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
            Hold(_line, end < 0 ? bytes : bytes[..end]);
            if (end < 0)
                return;
            EndLine();
            var pair = bytes[end] == '\r' && end + 1 < bytes.Length && bytes[end + 1] == '\n';
            _afterReturn = bytes[end] == '\r' && end + 1 == bytes.Length;
            bytes = bytes[(end + (pair ? 2 : 1))..];
        }
    }

    /// <summary>The stream ended: some clients take what came last for an event.</summary>
    public void End() => Feed("\n\n"u8);

    public void Dispose()
    {
        _line.Dispose();
        _data.Dispose();
    }

    private void EndLine()
    {
        var line = _line.Bytes.Span;
        if (_first && line.StartsWith("\uFEFF"u8))
            line = line[3..];
        _first = false;
        if (line.IsEmpty)
        {
            if (_data.Length > 0)
                onEvent(_type, _data.Bytes[..^1]);
            _data.Clear();
            _type = "";
        }
        else
        {
            var colon = line.IndexOf((byte)':');
            var name = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? default : line[(colon + 1)..];
            if (value is [(byte)' ', ..])
                value = value[1..];
            if (name.SequenceEqual("data"u8))
            {
                Hold(_data, value);
                Hold(_data, "\n"u8);
            }
            else if (name.SequenceEqual("event"u8))
            {
                _type = System.Text.Encoding.UTF8.GetString(value.Length > 64 ? value[..64] : value);
            }
        }
        _line.Clear();
    }

    private static void Hold(HeldBuffer buffer, ReadOnlySpan<byte> bytes)
    {
        if (!buffer.TryAdd(bytes))
            throw new InvalidDataException("an event of the MCP server is longer than what the gateway looks into");
    }
}
