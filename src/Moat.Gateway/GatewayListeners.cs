using System.Net.Sockets;

namespace Moat.Gateway;

/// <summary>
/// The bound sockets that the gateway serves, made by init in the sandbox's network namespace. Stream sockets may be
/// listening already. The gateway owns every handle from <see cref="GatewayServer.StartAsync"/> on and closes it.
/// </summary>
public sealed class GatewayListeners
{
    /// <summary>Transparent capture of plain HTTP; the identity's port is 80 whatever the socket is bound to.</summary>
    public IReadOnlyList<SafeSocketHandle> Http { get; init; } = [];

    /// <summary>Transparent capture of TLS; the identity's port is 443 whatever the socket is bound to.</summary>
    public IReadOnlyList<SafeSocketHandle> Https { get; init; } = [];

    /// <summary>The explicit proxy: CONNECT (RFC 9110 §9.3.6) and absolute-form requests (RFC 9112 §3.2.2).</summary>
    public IReadOnlyList<SafeSocketHandle> Proxy { get; init; } = [];

    /// <summary>Transparent capture of SSH, listening; the identity's port is 22 whatever the socket is bound to.</summary>
    public IReadOnlyList<SafeSocketHandle> Ssh { get; init; } = [];

    /// <summary>The sandbox's ssh-agent: a listening Unix socket.</summary>
    public IReadOnlyList<SafeSocketHandle> SshAgent { get; init; } = [];

    public IReadOnlyList<SafeSocketHandle> DnsUdp { get; init; } = [];

    public IReadOnlyList<SafeSocketHandle> DnsTcp { get; init; } = [];

    /// <summary>Further ports, by the number that clients mean: those of the run's databases.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<SafeSocketHandle>> Extra { get; init; } = new Dictionary<int, IReadOnlyList<SafeSocketHandle>>();
}
