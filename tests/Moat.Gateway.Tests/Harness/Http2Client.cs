using System.Buffers.Binary;
using System.Net.Security;
using System.Text;

namespace Moat.Gateway.Tests;

/// <summary>An HTTP/2 client that sends what no well-behaved one would: raw HPACK literals, any pseudo-header, any frame.</summary>
internal sealed class Http2Client : IDisposable
{
    public const byte Data = 0, Headers = 1, RstStream = 3, Settings = 4, Ping = 6, GoAway = 7, Continuation = 9;

    private readonly RawClient _client;
    private int _stream = -1;

    private Http2Client(RawClient client) => _client = client;

    public static async Task<Http2Client> ConnectAsync(Scene scene, string host)
    {
        var raw = await RawClient.TunnelAsync(scene, $"{host}:443", host, SslApplicationProtocol.Http2);
        var client = new Http2Client(raw);
        await raw.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await client.FrameAsync(Settings, 0, 0, []);
        return client;
    }

    public int NextStream() => _stream += 2;

    public async Task FrameAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)payload.Length);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        await _client.Stream.WriteAsync(frame, _client.Expiry);
        await _client.Stream.FlushAsync(_client.Expiry);
    }

    /// <summary>A request without a body; the answer's status, or <c>RST</c>, <c>GOAWAY</c> or <c>closed</c>.</summary>
    public async Task<string> StatusOfAsync(params (string Name, string Value)[] fields)
    {
        var stream = NextStream();
        await FrameAsync(Headers, 0x5, stream, Encode(fields));
        return await OutcomeOfAsync(stream);
    }

    public async Task<string> OutcomeOfAsync(int stream)
    {
        try
        {
            while (true)
            {
                var head = new byte[9];
                await _client.Stream.ReadExactlyAsync(head, _client.Expiry);
                var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
                await _client.Stream.ReadExactlyAsync(payload, _client.Expiry);
                if (head[3] == GoAway)
                    return "GOAWAY";
                if (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) != stream)
                    continue;
                if (head[3] == RstStream)
                    return "RST";
                if (head[3] == Headers)
                    return StatusIn(payload);
            }
        }
        catch (IOException)
        {
            return "closed";
        }
    }

    /// <summary>Literal fields without indexing and without Huffman (RFC 7541 §6.2.2), so that any byte can be sent.</summary>
    public static byte[] Encode(params (string Name, string Value)[] fields)
    {
        var block = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0);
            Text(name);
            Text(value);
        }
        return block.ToArray();

        void Text(string text)
        {
            var bytes = Encoding.Latin1.GetBytes(text);
            if (bytes.Length < 127)
            {
                block.WriteByte((byte)bytes.Length);
            }
            else
            {
                block.WriteByte(127);
                var rest = bytes.Length - 127;
                for (; rest >= 128; rest >>= 7)
                    block.WriteByte((byte)(0x80 | (rest & 0x7F)));
                block.WriteByte((byte)rest);
            }
            block.Write(bytes);
        }
    }

    public void Dispose() => _client.Dispose();

    // Kestrel sends :status first: indexed from the static table, or a literal with an indexed name.
    private static string StatusIn(byte[] block) => block[0] switch
    {
        0x88 => "200",
        0x89 => "204",
        0x8A => "206",
        0x8B => "304",
        0x8C => "400",
        0x8D => "404",
        0x8E => "500",
        _ when (block[0] is 0x08 or 0x48 or 0x18) && block[1] == 3 => Encoding.ASCII.GetString(block, 2, 3),
        _ => $"unread {block[0]:x2}",
    };
}
