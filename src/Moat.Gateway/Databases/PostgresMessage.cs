using System.Buffers.Binary;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>Messages of PostgreSQL's protocol 3.0: a type, the length with itself, the body.</summary>
internal static class PostgresMessage
{
    private const int HeadLength = 5;

    /// <summary>The whole message; a body is at most <paramref name="maxBody"/> bytes.</summary>
    /// <exception cref="SessionException">It is longer, or shorter than its own length.</exception>
    public static async Task<byte[]> ReadAsync(Stream stream, int maxBody, CancellationToken ct)
    {
        var head = new byte[HeadLength];
        await stream.ReadExactlyAsync(head, ct).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4;
        if (length < 0 || length > maxBody) throw SessionException.Malformed("the server's message before the session began");
        var message = new byte[HeadLength + length];
        head.CopyTo(message, 0);
        await stream.ReadExactlyAsync(message.AsMemory(HeadLength), ct).ConfigureAwait(false);
        return message;
    }

    public static ReadOnlySpan<byte> Body(byte[] message) => message.AsSpan(HeadLength);

    public static byte[] Write(char type, ReadOnlySpan<byte> body)
    {
        var message = new byte[HeadLength + body.Length];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), 4 + body.Length);
        body.CopyTo(message.AsSpan(HeadLength));
        return message;
    }

    /// <summary>The four bytes of the protocol's own magic numbers, behind their length.</summary>
    public static byte[] WriteRequest(int code, ReadOnlySpan<byte> rest = default)
    {
        var message = new byte[8 + rest.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), code);
        rest.CopyTo(message.AsSpan(8));
        return message;
    }

    public static byte[] WriteError(string sqlState, string text)
    {
        var plain = text.Replace('\0', ' ');
        return Write('E', Encoding.UTF8.GetBytes($"SFATAL\0VFATAL\0C{sqlState}\0M{plain}\0\0"));
    }
}
