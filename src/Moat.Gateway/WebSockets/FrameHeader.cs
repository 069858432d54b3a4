using System.Buffers.Binary;

namespace Moat.Gateway.WebSockets;

/// <summary>The opcodes of RFC 6455 §5.2; all others are reserved.</summary>
internal static class FrameOpcode
{
    public const byte Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;

    public static bool IsControl(byte opcode) => (opcode & 8) != 0;
}

/// <summary>The head of one frame (RFC 6455 §5.2), read strictly.</summary>
/// <param name="Length">Payload bytes.</param>
/// <param name="Mask">The masking key as it lies in memory; 0 for a server's frame.</param>
internal readonly record struct FrameHeader(bool Final, byte Opcode, long Length, uint Mask)
{
    /// <summary>Two bytes, the longest length and the key.</summary>
    public const int MaxSize = 14;

    /// <summary>RFC 6455 §5.5.</summary>
    public const int MaxControlPayload = 125;

    public bool IsControl => FrameOpcode.IsControl(Opcode);

    /// <summary>False while bytes are missing or when <paramref name="violation"/> says what is wrong.</summary>
    /// <param name="bytes">The beginning of a frame, no byte more than its head.</param>
    /// <param name="masked">Whether the sender is a client, which masks every frame (RFC 6455 §5.1).</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, bool masked, out FrameHeader header, out string? violation)
    {
        header = default;
        violation = null;
        if (bytes.Length < 2)
            return false;
        var (final, opcode, length) = ((bytes[0] & 0x80) != 0, (byte)(bytes[0] & 0x0F), bytes[1] & 0x7F);
        violation = CheckFirst(bytes, final, opcode, length, masked);
        if (violation is not null)
            return false;
        var extended = length switch { 126 => 2, 127 => 8, _ => 0 };
        if (bytes.Length < 2 + extended + (masked ? 4 : 0))
            return false;

        long size = length;
        if (extended == 2)
            size = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        else if (extended == 8)
            size = BinaryPrimitives.ReadInt64BigEndian(bytes[2..]);
        if (size < 0 || (extended == 2 && size < 126) || (extended == 8 && size <= ushort.MaxValue))
        {
            violation = "a frame's length is not written in the shortest form";
            return false;
        }
        header = new FrameHeader(final, opcode, size, masked ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 + extended)..]) : 0);
        return true;
    }

    /// <summary>Writes an unmasked head; the number of bytes written.</summary>
    public static int Write(Span<byte> bytes, bool final, byte opcode, int length)
    {
        bytes[0] = (byte)((final ? 0x80 : 0) | opcode);
        if (length < 126)
        {
            bytes[1] = (byte)length;
            return 2;
        }
        if (length <= ushort.MaxValue)
        {
            bytes[1] = 126;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)length);
            return 4;
        }
        bytes[1] = 127;
        BinaryPrimitives.WriteInt64BigEndian(bytes[2..], length);
        return 10;
    }

    private static string? CheckFirst(ReadOnlySpan<byte> bytes, bool final, byte opcode, int length, bool masked)
    {
        if ((bytes[0] & 0x70) != 0)
            return "a frame has a reserved bit set although no extension was agreed on";
        if (opcode is not (FrameOpcode.Continuation or FrameOpcode.Text or FrameOpcode.Binary or FrameOpcode.Close or FrameOpcode.Ping or FrameOpcode.Pong))
            return "a frame has a reserved opcode";
        if ((bytes[1] & 0x80) != 0 != masked)
            return masked ? "a frame of the client is not masked" : "a frame of the server is masked";
        if (!FrameOpcode.IsControl(opcode))
            return null;
        if (!final)
            return "a control frame is fragmented";
        return length > MaxControlPayload ? "a control frame is longer than 125 bytes" : null;
    }
}
