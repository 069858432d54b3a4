using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Moat.Credentials.Ssh;

/// <summary>Writes SSH's data types (RFC 4251 §5). For nothing secret: its buffer is not zeroed.</summary>
public sealed class SshWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);

    public SshWriter Byte(byte value) => Raw([value]);

    public SshWriter Boolean(bool value) => Byte(value ? (byte)1 : (byte)0);

    public SshWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
        return this;
    }

    public SshWriter String(ReadOnlySpan<byte> value) => UInt32((uint)value.Length).Raw(value);

    public SshWriter String(string text) => String(Encoding.UTF8.GetBytes(text));

    /// <summary>A positive multiple precision integer.</summary>
    public SshWriter Magnitude(ReadOnlySpan<byte> bigEndian)
    {
        var value = bigEndian.TrimStart((byte)0);
        if (value is not [>= 0x80, ..]) return String(value);
        return UInt32((uint)value.Length + 1).Byte(0).Raw(value);
    }

    public SshWriter Raw(ReadOnlySpan<byte> value)
    {
        _buffer.Write(value);
        return this;
    }

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();
}
