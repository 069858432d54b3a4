using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Moat.Gateway.Dns;
using Moat.Gateway.Pipeline;
using Moat.Policy;

namespace Moat.Gateway.Doors;

/// <summary>
/// The doors for clients that never heard of a proxy. The socket's local address is the one that the client meant; an
/// address that our DNS handed out stands for its name.
/// </summary>
internal sealed class TransparentDoor(SyntheticNames names, LiveTraffic traffic, Recorder recorder)
{
    private static readonly TimeSpan FirstByteTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Port 80: the Host header names the host.</summary>
    public Task OnHttpAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        connection.Features.Set(new DoorConnection(DoorKind.Http, NameBehind(connection), 80));
        return next(connection);
    }

    /// <summary>Port 443: the SNI names the host (<see cref="TlsDoor"/>).</summary>
    public async Task OnHttpsAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var door = new DoorConnection(DoorKind.Https, NameBehind(connection), 443);
        connection.Features.Set(door);
        var first = await ProxyDoor.PeekByteAsync(connection.Transport.Input, FirstByteTimeout);
        using var live = traffic.Enter(connection, door);
        if (first == TlsDoor.HandshakeRecord)
            await next(connection);
        else if (first >= 0)
            recorder.ConnectDenied(TlsDoor.NotTls, (door.Host ?? AddressOf(connection))?.Value ?? "", door.Port);
    }

    /// <summary>The address the client connected to, as an identity.</summary>
    internal static CanonicalHost? AddressOf(ConnectionContext connection) =>
        LocalAddress(connection) is { } address && CanonicalHost.TryParse(address.ToString(), out var host, out _) ? host : null;

    /// <summary>The name behind a socket's own address, else that address; null for an address of ours that stands for no name.</summary>
    internal static CanonicalHost? Behind(EndPoint? local, SyntheticNames names)
    {
        if (Plain(local) is not { } address) return null;
        var text = names.TryFind(address, out var name) ? name : SyntheticNames.IsSynthetic(address) ? "" : address.ToString();
        return CanonicalHost.TryParse(text, out var host, out _) ? host : null;
    }

    private CanonicalHost? NameBehind(ConnectionContext connection) =>
        LocalAddress(connection) is { } address && names.TryFind(address, out var name) && CanonicalHost.TryParse(name, out var host, out _) ? host : null;

    private static IPAddress? LocalAddress(ConnectionContext connection) => Plain(connection.LocalEndPoint);

    private static IPAddress? Plain(EndPoint? local) => local is IPEndPoint { Address: var address } ? Plain(address) : null;

    /// <summary>An address as it stands for itself: IPv4 where it is, without a scope.</summary>
    internal static IPAddress Plain(IPAddress address)
    {
        // A scope belongs to the sandbox's interfaces and means nothing outside.
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0)
            address = new IPAddress(address.GetAddressBytes());
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
