using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Moat.Linux.Control;

/// <summary>What a frame is about; the first byte of it.</summary>
public enum FrameKind : byte
{
    /// <summary>Supervisor → init: landlock paths, limits, downgrades.</summary>
    Setup = 1,

    /// <summary>Init → supervisor: protections, what is missing, listener names; the sockets ride along.</summary>
    Ready = 2,

    /// <summary>Init → supervisor: a text; init then ends.</summary>
    Failed = 3,

    /// <summary>Supervisor → init: id, tty, rows, columns, cwd, argv, env; three pipe ends ride along without a tty.</summary>
    Start = 4,

    /// <summary>Init → supervisor: id, pid, and 1 for a listener; the pty's master rides along with a tty, then the listener.</summary>
    Started = 5,

    /// <summary>Init → supervisor: id and exit code.</summary>
    Exited = 6,

    /// <summary>Supervisor → init: id and signal; id 0 means every process but init.</summary>
    Signal = 7,
}

/// <summary>Writes a frame's fields: 32-bit numbers and length-prefixed UTF-8, little-endian.</summary>
public sealed class FrameWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new();

    public FrameWriter(FrameKind kind) => buffer.Write([(byte)kind]);

    public FrameWriter Int(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        buffer.Write(bytes);
        return this;
    }

    public FrameWriter Long(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        buffer.Write(bytes);
        return this;
    }

    public FrameWriter Text(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        Int(bytes.Length);
        buffer.Write(bytes);
        return this;
    }

    public FrameWriter Texts(IReadOnlyCollection<string> values)
    {
        Int(values.Count);
        foreach (var value in values) Text(value);
        return this;
    }

    public byte[] ToArray() => buffer.WrittenSpan.ToArray();
}

/// <summary>Reads what <see cref="FrameWriter"/> wrote.</summary>
public sealed class FrameReader(byte[] frame)
{
    private int at = 1;

    public FrameKind Kind { get; } = frame.Length > 0 ? (FrameKind)frame[0] : throw new IOException("an empty frame");

    public int Int()
    {
        var value = BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(at));
        at += 4;
        return value;
    }

    public long Long()
    {
        var value = BinaryPrimitives.ReadInt64LittleEndian(frame.AsSpan(at));
        at += 8;
        return value;
    }

    public string Text()
    {
        var length = Int();
        var value = Encoding.UTF8.GetString(frame, at, length);
        at += length;
        return value;
    }

    public string[] Texts()
    {
        var values = new string[Int()];
        for (var i = 0; i < values.Length; i++) values[i] = Text();
        return values;
    }
}
