using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Bench;

/// <summary>An upstream that sends the head and one event, then holds the stream open: a proxy that buffers shows nothing.</summary>
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

    public static Task<EventSource> StartAsync(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + host, key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var source = new EventSource(X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null));
        _ = source.AcceptAsync();
        return Task.FromResult(source);
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
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(certificate);
            var buffer = new byte[8192];
            if (await tls.ReadAsync(buffer, stop.Token) == 0) return;
            await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n"u8.ToArray(), stop.Token);
            while (await tls.ReadAsync(buffer, stop.Token) > 0)
            {
                // Held open until the client leaves.
            }
        }
    }
}
