using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Moat.Credentials.Tests;

/// <summary>A provider on loopback: records each request's head and answers with one fixed response.</summary>
internal sealed class LoopbackApi : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _loop;
    private readonly X509Certificate2? _certificate;

    internal LoopbackApi(string response, bool tls = false)
    {
        if (tls) _certificate = SelfSigned();
        _listener.Start();
        _loop = ServeAsync(response);
    }

    internal ConcurrentQueue<string> Heads { get; } = new();

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A client that trusts this server's certificate and no other.</summary>
    internal SocketsHttpHandler TrustingHandler() => new()
    {
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = (_, seen, _, _) => seen is not null && seen.GetRawCertData().AsSpan().SequenceEqual(_certificate!.RawData) },
    };

    internal static string Answer(string status, string headers = "", string body = "") => $"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n{headers}\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _loop;
        _certificate?.Dispose();
    }

    private async Task ServeAsync(string response)
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                try
                {
                    await AnswerAsync(client.GetStream(), response);
                }
                catch (IOException)
                {
                    // A client that refuses the certificate hangs up; the next one is served.
                }
            }
        }
        catch (Exception ex) when (ex is SocketException or InvalidOperationException)
        {
            // The listener was closed: the end.
        }
    }

    private async Task AnswerAsync(Stream stream, string response)
    {
        if (_certificate is not null)
        {
            var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(_certificate);
            stream = tls;
        }
        using var reader = new StreamReader(stream, Encoding.Latin1);
        var head = new StringBuilder();
        while (await reader.ReadLineAsync() is { Length: > 0 } line) head.Append(line).Append('\n');
        Heads.Enqueue(head.ToString());
        await stream.WriteAsync(Encoding.Latin1.GetBytes(response));
        await stream.FlushAsync();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
