using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Moat.Gateway.Upstream;
using Moat.Spec;

namespace Moat.Gateway.Tests.Upstream;

public sealed class UpstreamTlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public UpstreamTlsTests() => _listener.Start();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("api.test")]
    [InlineData("127.0.0.1")]
    public async Task A_certificate_of_an_extra_root_is_accepted_with_its_intermediate(string host)
    {
        using var certificate = _authority.Issue(host);
        Assert.Equal("hello", await GetAsync(host, certificate, [_authority.Pem]));
    }

    [Fact]
    public async Task T_41_without_the_extra_root_it_is_untrusted_also_with_another_root()
    {
        using var certificate = _authority.Issue("api.test");
        using var other = new TestAuthority();
        Assert.Equal(UpstreamFailure.CertificateUntrusted, (await FailAsync("api.test", certificate, [])).Kind);
        Assert.Equal(UpstreamFailure.CertificateUntrusted, (await FailAsync("api.test", certificate, [other.Pem])).Kind);
    }

    [Fact]
    public async Task T_41_an_expired_certificate_is_named_so()
    {
        using var certificate = _authority.Issue("api.test", notAfter: DateTimeOffset.UtcNow.AddDays(-1));
        var failure = await FailAsync("api.test", certificate, [_authority.Pem]);
        Assert.Equal(UpstreamFailure.CertificateExpired, failure.Kind);
        Assert.Contains("api.test", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_41_a_certificate_for_another_name_is_refused_although_its_root_is_trusted()
    {
        using var certificate = _authority.Issue("other.test");
        Assert.Equal(UpstreamFailure.CertificateNameMismatch, (await FailAsync("api.test", certificate, [_authority.Pem])).Kind);
    }

    [Fact]
    public async Task T_41_a_client_certificate_is_no_server_certificate()
    {
        using var certificate = _authority.Issue("api.test", usage: "1.3.6.1.5.5.7.3.2");
        var failure = await FailAsync("api.test", certificate, [_authority.Pem]);
        Assert.Equal(UpstreamFailure.CertificateInvalid, failure.Kind);
    }

    [Fact]
    public async Task A_peer_without_tls_is_a_tls_failure()
    {
        var answer = Task.Run(async () =>
        {
            using var socket = await _listener.AcceptSocketAsync(Cancel);
            await socket.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), Cancel);
            await socket.ReceiveAsync(new byte[4096], Cancel);
        }, Cancel);
        using var client = Client("api.test", []);
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("https://api.test/", Cancel));
        Assert.Equal(UpstreamFailure.TlsFailed, UpstreamException.From(failure, "api.test", 443).Kind);
        await answer;
    }

    [Fact]
    public async Task The_dialers_own_reason_comes_through_the_http_client()
    {
        var network = new NetworkSpec { Mode = NetworkMode.Strict };
        using var tls = new UpstreamTls(network);
        using var client = new HttpClient(UpstreamHandler.Create(new UpstreamDialer(network, (_, _, _) => "metadata"), tls));
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("http://[::ffff:169.254.169.254]/", Cancel));
        var reason = UpstreamException.From(failure, "x", 80);
        Assert.Equal((UpstreamFailure.AddressDenied, "metadata"), (reason.Kind, reason.Message));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void A_ca_text_without_a_certificate_is_an_error(string pem)
        => Assert.Throws<MoatException>(() => new UpstreamTls(new NetworkSpec { Mode = NetworkMode.Strict, CaPem = [pem] }));

    public void Dispose()
    {
        _listener.Dispose();
        _authority.Dispose();
    }

    private async Task<UpstreamException> FailAsync(string host, X509Certificate2 certificate, ImmutableArray<string> roots)
    {
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(host, certificate, roots));
        return UpstreamException.From(failure, host, 443);
    }

    private async Task<string> GetAsync(string host, X509Certificate2 certificate, ImmutableArray<string> roots)
    {
        var server = ServeOnceAsync(certificate);
        using var client = Client(host, roots);
        try
        {
            return await client.GetStringAsync($"https://{host}/", Cancel);
        }
        finally
        {
            await server;
        }
    }

    private HttpClient Client(string host, ImmutableArray<string> roots)
    {
        var network = new NetworkSpec
        {
            Mode = NetworkMode.Strict,
            CaPem = roots,
            Resolve = ImmutableSortedDictionary<string, string>.Empty.Add(host, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}"),
        };
        var tls = new UpstreamTls(network);
        return new HttpClient(UpstreamHandler.Create(new UpstreamDialer(network, (_, _, _) => null), tls));
    }

    private async Task ServeOnceAsync(X509Certificate2 certificate)
    {
        using var socket = await _listener.AcceptSocketAsync(Cancel);
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(certificate, _authority.Intermediates, offline: true),
            }, Cancel);
            await tls.ReadAtLeastAsync(new byte[4096], 16, throwOnEndOfStream: false, Cancel);
            await tls.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"), Cancel);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The client refused the certificate: the tests that expect it look at the client's side.
        }
    }
}
