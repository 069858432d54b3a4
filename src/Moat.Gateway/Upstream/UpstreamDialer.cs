using System.Net;
using System.Net.Sockets;
using Moat.Spec;

namespace Moat.Gateway.Upstream;

/// <summary>
/// Why <paramref name="address"/> may not be dialled for a host and port; null when it may. Must refuse metadata addresses
/// whatever the policy says.
/// </summary>
internal delegate string? AddressCheck(string host, int port, IPAddress address);

/// <summary>
/// Opens the one connection to an upstream:
/// <list type="number">
/// <item>resolve the canonical host, once for this connection (<c>network.resolve</c>, literal, or the host's resolver);</item>
/// <item>check each address that came back;</item>
/// <item>dial exactly a checked address, so that no second lookup can answer differently.</item>
/// </list>
/// </summary>
internal sealed class UpstreamDialer
{
    /// <summary>The sandbox's name for the host's loopback; reaches only <see cref="NetworkSpec.HostPorts"/>.</summary>
    internal const string HostName = "moat-host";

    // A name with hundreds of addresses must not hold a request for minutes.
    private const int MaxAddresses = 8;
    private static readonly TimeSpan s_attempt = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_lastAttempt = TimeSpan.FromSeconds(15);

    private readonly NetworkSpec _network;
    private readonly AddressCheck _check;
    private readonly Dictionary<string, (IPAddress Address, int? Port)> _resolve = new(StringComparer.Ordinal);

    /// <exception cref="MoatException">A <c>network.resolve</c> value is no address.</exception>
    internal UpstreamDialer(NetworkSpec network, AddressCheck check)
    {
        (_network, _check) = (network, check);
        foreach (var (host, target) in network.Resolve) _resolve.Add(host, ParseTarget(host, target));
    }

    /// <summary>Dials a canonical host: a lower-case A-label name or an IP literal without brackets.</summary>
    /// <exception cref="UpstreamException"/>
    internal async ValueTask<Stream> DialAsync(string host, int port, CancellationToken cancel)
    {
        var (addresses, target) = await ResolveAsync(host, port, cancel).ConfigureAwait(false);
        UpstreamException? last = null;
        for (var i = 0; i < addresses.Count; i++)
        {
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (IPAddress.IsLoopback(addresses[i])) Pacing.Disable(socket);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(i < addresses.Count - 1 ? s_attempt : s_lastAttempt);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(addresses[i], target), patience.Token).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                cancel.ThrowIfCancellationRequested();
                last = e switch
                {
                    SocketException failure => UpstreamException.From(failure, host, port),
                    OperationCanceledException => new UpstreamException(UpstreamFailure.TimedOut, $"{host}:{port} did not answer in time", e),
                    _ => throw new UpstreamException(UpstreamFailure.Broken, $"the connection to {host}:{port} broke", e),
                };
            }
        }
        throw last ?? new UpstreamException(UpstreamFailure.NameNotFound, $"{host} has no address");
    }

    private async ValueTask<(List<IPAddress> Addresses, int Port)> ResolveAsync(string host, int port, CancellationToken cancel)
    {
        if (host == HostName)
        {
            if (!_network.HostPorts.Contains(port)) throw new UpstreamException(UpstreamFailure.AddressDenied, $"port {port} of the host is not in network.host");
            return ([IPAddress.Loopback], port);
        }
        IPAddress[] found;
        var target = port;
        if (_resolve.TryGetValue(host, out var mapped)) (found, target) = ([mapped.Address], mapped.Port ?? port);
        else if (IPAddress.TryParse(host, out var literal)) found = [literal];
        else found = await LookUpAsync(host, port, cancel).ConfigureAwait(false);

        var allowed = new List<IPAddress>(found.Length);
        string? refusal = null;
        foreach (var address in found)
        {
            // The mapped form would be dialled as IPv4 while a check of its IPv6 text may see something else.
            var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            if (_check(host, port, plain) is { } reason) refusal ??= reason;
            else if (allowed.Count < MaxAddresses) allowed.Add(plain);
        }
        if (allowed.Count == 0 && refusal is not null) throw new UpstreamException(UpstreamFailure.AddressDenied, refusal);
        return (allowed, target);
    }

    private static async ValueTask<IPAddress[]> LookUpAsync(string host, int port, CancellationToken cancel)
    {
        try
        {
            return await System.Net.Dns.GetHostAddressesAsync(host, cancel).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw UpstreamException.From(e, host, port);
        }
    }

    private static (IPAddress, int?) ParseTarget(string host, string target)
    {
        if (IPAddress.TryParse(target, out var alone)) return (alone, null);
        if (IPEndPoint.TryParse(target, out var both) && both.Port > 0) return (both.Address, both.Port);
        throw new MoatException($"network.resolve: '{target}' for {host} is no IP address", "write an IPv4 or IPv6 address, with a port as 192.0.2.1:8443 or [2001:db8::1]:8443");
    }
}
