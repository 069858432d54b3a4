using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Moat.Gateway.Dns;
using static Moat.Gateway.Tests.Dns.DnsMessages;

namespace Moat.Gateway.Tests.Dns;

public sealed class DnsServerTests : IAsyncDisposable
{
    private readonly List<Socket> _bound = [];
    private readonly ResponderUnderTest _under = new();
    private readonly DnsServer _server;
    private readonly int _udp4;
    private readonly int _udp6;
    private readonly int _tcp;

    public DnsServerTests()
    {
        var (udp4, udp6, tcp) = (Bind(IPAddress.Any, SocketType.Dgram, out _udp4), Bind(IPAddress.IPv6Any, SocketType.Dgram, out _udp6), Bind(IPAddress.Any, SocketType.Stream, out _tcp));
        _server = DnsServer.Start(_under.Responder, [udp4, udp6], [tcp]);
    }

    // A connected client socket drops what does not come from the address it asked, as resolvers do.
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.2")]
    [InlineData("127.8.8.8")]
    [InlineData("::1")]
    public async Task T_24_an_answer_comes_from_the_address_that_was_asked(string address)
    {
        var to = IPAddress.Parse(address);
        using var client = new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await client.ConnectAsync(new IPEndPoint(to, to.AddressFamily == AddressFamily.InterNetwork ? _udp4 : _udp6), Cancel);
        var query = Query("allowed.test", A);
        var answer = new byte[600];
        await client.SendAsync(query, Cancel);
        var length = await client.ReceiveAsync(answer, Cancel);
        Assert.Equal("198.18.0.1", Address(query, answer[..length]).ToString());
    }

    [Fact]
    public async Task T_24_tcp_serves_pipelined_and_slow_queries_and_closes_on_nonsense()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Parse("127.0.0.3"), _tcp, Cancel);
        var stream = client.GetStream();
        var query = Framed(Query("allowed.test", A, id: 1));
        await stream.WriteAsync((byte[])[.. query, .. query[..5]], Cancel);
        Assert.Equal(0, Rcode(await ReceiveAsync(stream)));
        await stream.WriteAsync(query.AsMemory(5), Cancel);
        Assert.Equal(1, Answers(await ReceiveAsync(stream)));
        await stream.WriteAsync(Framed(new byte[600]), Cancel);
        Assert.Equal(0, await ReadToEndAsync(stream));
    }

    [Fact]
    public async Task Garbage_does_not_stop_the_service()
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await client.ConnectAsync(IPAddress.Loopback, _udp4, Cancel);
        foreach (var garbage in new byte[][] { [], [1], new byte[2000], Query("x", A)[..13], [.. Query("allowed.test", A), 1] }) await client.SendAsync(garbage, Cancel);
        await client.SendAsync(Query("allowed.test", A, id: 77), Cancel);
        var answer = new byte[600];
        do await client.ReceiveAsync(answer, Cancel);
        while (answer[1] != 77);
        Assert.Equal(1, Answers(answer));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (var socket in _bound) socket.Dispose();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private SafeSocketHandle Bind(IPAddress address, SocketType type, out int port)
    {
        var socket = new Socket(address.AddressFamily, type, type == SocketType.Dgram ? ProtocolType.Udp : ProtocolType.Tcp);
        if (address.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
        socket.Bind(new IPEndPoint(address, 0));
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        _bound.Add(socket); // its finalizer would close the handle under the server
        return socket.SafeHandle;
    }

    private static byte[] Framed(byte[] message) => [(byte)(message.Length >> 8), (byte)message.Length, .. message];

    private static async Task<byte[]> ReceiveAsync(Stream stream)
    {
        var length = new byte[2];
        await stream.ReadExactlyAsync(length, Cancel);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, Cancel);
        return answer;
    }

    private static async Task<int> ReadToEndAsync(Stream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1], Cancel);
        }
        catch (IOException)
        {
            return 0; // reset: what was sent was not read to its end
        }
    }
}
