namespace Moat.Audit;

/// <summary>Cuts a growing stream into lines. What has no newline yet is kept for the next attempt.</summary>
internal sealed class LineCutter(Stream stream)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;

    /// <summary>The next whole line, without its newline; valid until the next call.</summary>
    /// <exception cref="InvalidDataException">A line is longer than any record.</exception>
    public bool TryNext(out ReadOnlyMemory<byte> line)
    {
        var searched = _start;
        while (true)
        {
            var newline = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                line = _buffer.AsMemory(_start, searched + newline - _start);
                _start = searched + newline + 1;
                return true;
            }
            if (_end - _start > RecordLine.MaxLine)
                throw new InvalidDataException("A line of the audit log is longer than any record.");
            MakeRoom();
            searched = _end;
            var read = stream.Read(_buffer, _end, _buffer.Length - _end);
            if (read == 0)
            {
                line = default;
                return false;
            }
            _end += read;
        }
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
    }
}
