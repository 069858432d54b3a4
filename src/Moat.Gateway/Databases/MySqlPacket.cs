using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>Packets of MySQL's protocol: a length of three bytes, a number, the payload.</summary>
internal static class MySqlPacket
{
    public const byte Ok = 0x00, MoreData = 0x01, AuthSwitch = 0xFE, Error = 0xFF;

    /// <exception cref="SessionException">It is longer than <paramref name="maxLength"/>, or empty.</exception>
    public static async Task<(byte Number, byte[] Payload)> ReadAsync(Stream stream, int maxLength, CancellationToken ct)
    {
        var head = new byte[4];
        await stream.ReadExactlyAsync(head, ct).ConfigureAwait(false);
        var length = head[0] | (head[1] << 8) | (head[2] << 16);
        if (length == 0 || length > maxLength) throw SessionException.Malformed("a packet before the session began");
        var payload = new byte[length];
        await stream.ReadExactlyAsync(payload, ct).ConfigureAwait(false);
        return (head[3], payload);
    }

    public static async Task WriteAsync(Stream stream, byte number, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        var packet = new byte[4 + payload.Length];
        (packet[0], packet[1], packet[2], packet[3]) = ((byte)payload.Length, (byte)(payload.Length >> 8), (byte)(payload.Length >> 16), number);
        payload.CopyTo(packet.AsMemory(4));
        try
        {
            await stream.WriteAsync(packet, ct).ConfigureAwait(false);
            await stream.FlushAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(packet);
        }
    }

    /// <summary>An error as a client of protocol 4.1 reads it: number, state, text.</summary>
    public static byte[] WriteError(string text) => [Error, 0x15, 0x04, .. "#28000"u8, .. Encoding.UTF8.GetBytes(text)];
}
