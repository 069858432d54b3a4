using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Moat.Gateway.Certificates;
using Moat.Gateway.Pipeline;
using Moat.Policy;

namespace Moat.Gateway.Doors;

/// <summary>
/// Takes the client's TLS handshake as the host that the client asked for. The server name must be the connection's
/// destination where that is known (CONNECT target, name behind the address); otherwise it becomes the destination.
/// An encrypted ClientHello, real or GREASE, changes nothing: the outer name is what counts, because the handshake ends here.
/// </summary>
internal sealed class TlsDoor(LeafCertificates certificates, Recorder recorder)
{
    /// <summary>Content type of a TLS handshake record (RFC 8446 §5.1): the first byte of every TLS connection.</summary>
    public const int HandshakeRecord = 0x16;

    public static readonly Refusal NotTls = new(
        400, DenialKind.Protocol, "port 443 speaks TLS", "the first bytes on port 443 are no TLS handshake", "use TLS, or a port that a rule opens for plain HTTP");

    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    public TlsHandshakeCallbackOptions ToOptions() => new()
    {
        OnConnection = context => ValueTask.FromResult(Accept(context.Connection, context.ClientHelloInfo.ServerName)),
        HandshakeTimeout = TimeSpan.FromSeconds(30),
    };

    /// <exception cref="AuthenticationException">The server name is not the connection's destination; the handshake ends.</exception>
    internal SslServerAuthenticationOptions Accept(ConnectionContext connection, string? serverName)
    {
        var door = connection.Features.Get<DoorConnection>() ?? throw new AuthenticationException("the connection came through no door");
        var host = Identify(door, connection, serverName);
        door.Host = host;
        door.Tls = true;
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificates.For(host),
            ApplicationProtocols = Protocols,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            // RFC 9113 §9.2.1 forbids it and so do we.
            AllowRenegotiation = false,
        };
    }

    private CanonicalHost Identify(DoorConnection door, ConnectionContext connection, string? serverName)
    {
        if (string.IsNullOrEmpty(serverName))
        {
            return door.Host ?? TransparentDoor.AddressOf(connection)
                ?? throw Refuse(door, "", "the TLS handshake names no server");
        }
        if (!CanonicalHost.TryParse(serverName, out var named, out _))
            throw Refuse(door, door.Host?.Value ?? "", "the TLS server name is no valid host");
        if (door.Host is { } expected && expected != named)
            throw Refuse(door, named.Value, $"the TLS server name is {named.Value}, the connection is for {expected.Value}");
        return named;
    }

    private AuthenticationException Refuse(DoorConnection door, string host, string reason)
    {
        recorder.ConnectDenied(new Refusal(421, DenialKind.Identity, "one identity per connection", reason, "use the connection's own host as TLS server name"), host, door.Port);
        return new AuthenticationException(reason);
    }
}
