using Moat.Gateway.Identity;
using Moat.Policy;

namespace Moat.Gateway.Doors;

internal enum DoorKind
{
    /// <summary>Captured on port 80.</summary>
    Http,

    /// <summary>Captured on port 443.</summary>
    Https,

    /// <summary>The explicit proxy, absolute-form requests.</summary>
    Proxy,

    /// <summary>The explicit proxy after a CONNECT.</summary>
    Tunnel,
}

/// <summary>
/// What a connection's door knows of where the client meant to go; a feature of the connection. Requests on it must
/// agree with this (<see cref="RequestIdentity"/>).
/// </summary>
internal sealed class DoorConnection(DoorKind kind, CanonicalHost? host, int port)
{
    public DoorKind Kind { get; } = kind;

    /// <summary>
    /// The one host this connection is for: the CONNECT target, the name behind a synthetic address, the SNI. Null on
    /// a connection that may carry any host (<see cref="DoorKind.Proxy"/>, or port 80 of an address nobody handed out).
    /// </summary>
    public CanonicalHost? Host { get; set; } = host;

    /// <summary>Port of the identity; 0 when each request brings its own (<see cref="DoorKind.Proxy"/>).</summary>
    public int Port { get; } = port;

    /// <summary>True once the client's TLS handshake was taken.</summary>
    public bool Tls { get; set; }

    /// <summary>The connection's latest destination: most connections have only one, which then is parsed only once.</summary>
    public Destination? Latest { get; set; }
}
