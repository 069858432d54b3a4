using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Moat.Credentials;
using Moat.Gateway.Redaction;
using Moat.Gateway.Upstream;
using Moat.Policy;

namespace Moat.Gateway.Databases;

/// <summary>The two connections of a session, and what of them is alike in every protocol.</summary>
internal sealed class DatabaseLink(DatabaseServices services, UnlockedGrant grant, CanonicalHost host, Socket client, string rule, string wouldDeny) : IAsyncDisposable
{
    private UpstreamTls? _tls;
    private Stream? _upstream;

    public UnlockedGrant Grant => grant;

    public DatabaseTarget Target { get; } = grant.Database!;

    public DatabaseServices Services => services;

    /// <summary>The client's side; TLS once <see cref="SecureClientAsync"/> took its handshake.</summary>
    public Stream Client { get; private set; } = new NetworkStream(client, ownsSocket: false);

    /// <summary>The server's side, once it was dialled.</summary>
    public Stream Upstream => _upstream ?? throw new InvalidOperationException("nothing was dialled yet");

    public bool ClientIsSecure => Client is SslStream;

    /// <summary>True: the server's certificate was verified, and nobody else reads or answers.</summary>
    public bool UpstreamIsVerified => _upstream is SslStream;

    /// <summary>True where the way leads over this machine's loopback alone.</summary>
    public bool UpstreamIsLoopback => Target.Host == UpstreamDialer.HostName;

    /// <summary>The server's certificate (DER), where there is one.</summary>
    public X509Certificate? UpstreamCertificate => (_upstream as SslStream)?.RemoteCertificate;

    /// <summary>Sequence number of the intent; null before it is durable.</summary>
    public long? Intent { get; private set; }

    /// <summary>Bytes from the client after the login.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes to the client after the login.</summary>
    public long BytesOut { get; set; }

    public SecretRedactor Redactor => services.Redactor.Current;

    /// <summary>True when the client's first byte is TLS'. The byte stays where it is.</summary>
    public async Task<bool> ClientBeginsTlsAsync(CancellationToken ct)
    {
        var first = new byte[1];
        if (await client.ReceiveAsync(first, SocketFlags.Peek, ct).ConfigureAwait(false) == 0) throw new EndOfStreamException();
        return first[0] == Doors.TlsDoor.HandshakeRecord;
    }

    /// <summary>Takes the client's TLS handshake as the host.</summary>
    /// <remarks>Nothing is read ahead anywhere, so no byte that came before the handshake can be taken for one that came after it.</remarks>
    /// <exception cref="SessionException">It failed.</exception>
    public async Task SecureClientAsync(string? protocol, CancellationToken ct)
    {
        var secure = new SslStream(Client);
        Client = secure;
        try
        {
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = services.Certificates.For(host),
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
                AllowRenegotiation = false,
            }, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            throw new SessionException("the client's TLS handshake failed", e);
        }
    }

    /// <summary>Records the intent and dials, in this order.</summary>
    public async Task DialAsync(string operation, string database, CancellationToken ct)
    {
        Intent = await services.Recorder.SessionIntentAsync(grant, operation, database, rule, wouldDeny).ConfigureAwait(false);
        _upstream = await services.Dialer.DialAsync(host.Value, Target.Port, ct).ConfigureAwait(false);
    }

    /// <summary>TLS with the server, which must prove to be the host.</summary>
    public async Task SecureUpstreamAsync(CancellationToken ct)
    {
        _tls = new UpstreamTls(Target.CaPem.Length == 0 ? services.Network : services.Network with { CaPem = services.Network.CaPem.Add(Target.CaPem) });
        var secure = new SslStream(Upstream);
        await secure.AuthenticateAsClientAsync(_tls.CreateOptions(host.Value), ct).ConfigureAwait(false);
        _upstream = secure;
    }

    public async ValueTask DisposeAsync()
    {
        if (_upstream is not null) await _upstream.DisposeAsync().ConfigureAwait(false);
        await Client.DisposeAsync().ConfigureAwait(false);
        _tls?.Dispose();
    }
}
