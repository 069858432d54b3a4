using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Moat.Gateway.Tests;

/// <summary>An agent that writes its own bytes.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly CancellationTokenSource _expiry = new(Patience);

    private RawClient(Socket socket)
    {
        _socket = socket;
        Stream = new NetworkStream(socket, ownsSocket: true);
    }

    public Stream Stream { get; private set; }

    public CancellationToken Expiry => _expiry.Token;

    public static async Task<RawClient> ConnectAsync(IPEndPoint endpoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endpoint);
        return new RawClient(socket);
    }

    /// <summary>Through the proxy to <paramref name="target"/>, with TLS when <paramref name="serverName"/> is not null.</summary>
    public static async Task<RawClient> TunnelAsync(Scene scene, string target, string? serverName, params SslApplicationProtocol[] protocols)
    {
        var client = await ConnectAsync(scene.Proxy);
        await client.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        if (serverName is not null)
            await client.TlsAsync(scene, serverName, protocols);
        return client;
    }

    public static Task<RawClient> ApiAsync(Scene scene) => TunnelAsync(scene, $"{Scene.Api}:443", Scene.Api);

    public async Task TlsAsync(Scene scene, string serverName, params SslApplicationProtocol[] protocols)
    {
        var tls = new SslStream(Stream);
        await tls.AuthenticateAsClientAsync(scene.ClientTls(serverName, protocols), Expiry);
        Stream = tls;
    }

    public async Task SendAsync(string text)
    {
        await Stream.WriteAsync(Encoding.Latin1.GetBytes(text), Expiry);
        await Stream.FlushAsync(Expiry);
    }

    /// <summary>Up to and with the empty line.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (await Stream.ReadAsync(one, Expiry) == 1)
        {
            head.Append((char)one[0]);
            if (one[0] == '\n' && head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
                break;
        }
        return head.ToString();
    }

    public async Task<string> ReadAsync(int count)
    {
        var bytes = new byte[count];
        await Stream.ReadExactlyAsync(bytes, Expiry);
        return Encoding.Latin1.GetString(bytes);
    }

    /// <summary>Everything until the gateway closes; a reset ends it too.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var all = new MemoryStream();
        try
        {
            await Stream.CopyToAsync(all, Expiry);
        }
        catch (IOException)
        {
            // Closed with bytes of ours unread: a reset.
        }
        return Encoding.Latin1.GetString(all.ToArray());
    }

    public async Task<string> ExchangeAsync(string request)
    {
        await SendAsync(request);
        return await ReadToEndAsync();
    }

    public void Dispose()
    {
        Stream.Dispose();
        _socket.Dispose();
        _expiry.Dispose();
    }
}
