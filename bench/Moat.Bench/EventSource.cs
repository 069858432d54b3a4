using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Moat.Bench;

/// <summary>An upstream that sends the head and one event, then holds the stream open: a proxy that buffers shows nothing. It also swallows uploads.</summary>
internal sealed class EventSource : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly X509Certificate2 certificate;

    private EventSource(X509Certificate2 certificate)
    {
        this.certificate = certificate;
        listener.Start();
    }

    public IPEndPoint Endpoint => (IPEndPoint)listener.LocalEndpoint;

    public static EventSource Start(Peers peers)
    {
        var source = new EventSource(peers.Leaf());
        _ = source.AcceptAsync();
        return source;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        stop.Dispose();
        certificate.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            var client = await listener.AcceptTcpClientAsync(stop.Token);
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            await using var tls = new SslStream(new WideStream(client.GetStream()));
            await tls.AuthenticateAsServerAsync(certificate);
            var buffer = new byte[1 << 17];
            var filled = 0;
            int end;
            while ((end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
            {
                var got = await tls.ReadAsync(buffer.AsMemory(filled), stop.Token);
                if (got == 0) return;
                filled += got;
            }

            if (buffer.AsSpan().StartsWith("POST"u8))
            {
                await SinkAsync(tls, buffer, Encoding.ASCII.GetString(buffer, 0, end), filled - end - 4);
                return;
            }

            await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n"u8.ToArray(), stop.Token);
            await tls.FlushAsync(stop.Token);
            while (await tls.ReadAsync(buffer, stop.Token) > 0)
            {
                // Held open until the client leaves.
            }
        }
    }

    /// <summary>Reads an upload to its end, whichever framing the proxy chose, and answers.</summary>
    private async Task SinkAsync(SslStream tls, byte[] buffer, string head, long have)
    {
        var line = head.Split("\r\n").FirstOrDefault(l => l.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase));
        var left = line is null ? long.MaxValue : long.Parse(line[15..], CultureInfo.InvariantCulture) - have;
        while (left > 0)
        {
            var got = await tls.ReadAsync(buffer, stop.Token);
            if (got == 0) return;
            left -= got;
            if (line is null && buffer.AsSpan(0, got).EndsWith("0\r\n\r\n"u8)) break;
        }

        await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"u8.ToArray(), stop.Token);
        await tls.FlushAsync(stop.Token);
    }
}
