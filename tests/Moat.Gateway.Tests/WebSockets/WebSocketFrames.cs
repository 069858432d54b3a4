using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Moat.Gateway.Tests.WebSockets;

/// <summary>A frame as it was received: with its payload, unmasked.</summary>
internal sealed record Frame(bool Final, int Opcode, byte[] Payload)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    public int CloseCode => Payload.Length < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(Payload);
}

/// <summary>Frames written and read byte by byte, good and bad ones (RFC 6455 §5.2).</summary>
internal static class WebSocketFrames
{
    public const int Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;

    /// <param name="lengthBytes">0, 2 or 8 bytes of extended length; -1 for the shortest.</param>
    public static byte[] Make(int opcode, ReadOnlySpan<byte> payload, bool final = true, bool mask = true, int reserved = 0, int lengthBytes = -1, long? length = null)
    {
        var size = length ?? payload.Length;
        if (lengthBytes < 0) lengthBytes = size < 126 ? 0 : size <= 65535 ? 2 : 8;
        var frame = new MemoryStream();
        frame.WriteByte((byte)((final ? 0x80 : 0) | (reserved << 4) | opcode));
        frame.WriteByte((byte)((mask ? 0x80 : 0) | (lengthBytes == 0 ? (int)size : lengthBytes == 2 ? 126 : 127)));
        var extended = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(extended, size);
        frame.Write(extended.AsSpan(8 - lengthBytes));
        var key = mask ? RandomNumberGenerator.GetBytes(4) : [];
        frame.Write(key);
        for (var i = 0; i < payload.Length; i++) frame.WriteByte(mask ? (byte)(payload[i] ^ key[i & 3]) : payload[i]);
        return frame.ToArray();
    }

    public static byte[] CloseFrame(int code, byte[] reason, bool mask = true) => Make(Close, [(byte)(code >> 8), (byte)code, .. reason], mask: mask);

    /// <summary>The frames in these bytes; what is cut off at the end is left out.</summary>
    public static List<Frame> Parse(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<Frame>();
        while (bytes.Length >= 2)
        {
            var (final, opcode, masked, length) = ((bytes[0] & 0x80) != 0, bytes[0] & 0x0F, (bytes[1] & 0x80) != 0, (long)(bytes[1] & 0x7F));
            var extended = length == 126 ? 2 : length == 127 ? 8 : 0;
            if (bytes.Length < 2 + extended + (masked ? 4 : 0)) break;
            if (extended == 2) length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (extended == 8) length = BinaryPrimitives.ReadInt64BigEndian(bytes[2..]);
            var rest = bytes[(2 + extended)..];
            var key = masked ? rest[..4].ToArray() : [];
            if (masked) rest = rest[4..];
            if (rest.Length < length) break;
            var payload = rest[..(int)length].ToArray();
            for (var i = 0; masked && i < payload.Length; i++) payload[i] ^= key[i & 3];
            frames.Add(new Frame(final, opcode, payload));
            bytes = rest[(int)length..];
        }
        return frames;
    }

    /// <summary>The messages in these frames, joined over fragments; control frames apart.</summary>
    public static (List<byte[]> Messages, List<Frame> Controls) Join(IEnumerable<Frame> frames)
    {
        var (messages, controls, open) = (new List<byte[]>(), new List<Frame>(), new MemoryStream());
        foreach (var frame in frames)
        {
            if (frame.Opcode >= 8)
            {
                controls.Add(frame);
                continue;
            }
            open.Write(frame.Payload);
            if (!frame.Final) continue;
            messages.Add(open.ToArray());
            open.SetLength(0);
        }
        return (messages, controls);
    }

    /// <summary>A client's handshake (RFC 6455 §4.1); the answer's head.</summary>
    public static async Task<string> HandshakeAsync(RawClient client, string path = "/socket", string extra = "")
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        await client.SendAsync($"GET {path} HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extra}\r\n");
        return await client.ReadHeadAsync();
    }

    /// <summary>Takes the upgrade as a server that then writes bytes of its own, over HTTP/1.1 or HTTP/2.</summary>
    public static async Task<Stream> AcceptRawAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
            return await connect.AcceptAsync();
        context.Response.Headers.Connection = "Upgrade";
        context.Response.Headers.Upgrade = "websocket";
        // Only a client's library would check it.
        context.Response.Headers.SecWebSocketAccept = "unchecked";
        return await context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
    }
}
