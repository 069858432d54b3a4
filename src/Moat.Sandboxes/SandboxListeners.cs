using System.Globalization;
using System.Net.Sockets;

namespace Moat.Sandboxes;

/// <summary>The listening sockets of the sandbox's network namespace, each of both families where the kernel has IPv6.</summary>
public sealed class SandboxListeners : IDisposable
{
    internal SandboxListeners(IReadOnlyList<(string Name, int Descriptor)> sockets)
    {
        List<SafeSocketHandle> Named(string name) => [.. sockets.Where(s => s.Name[..^1] == name).Select(s => new SafeSocketHandle(s.Descriptor, ownsHandle: true))];
        Http = Named("http");
        Https = Named("https");
        Proxy = Named("proxy");
        DnsTcp = Named("dnstcp");
        DnsUdp = Named("dnsudp");
        Ssh = Named("ssh");
        SshAgent = Named("sshagent");
        Extra = sockets.Where(s => s.Name.StartsWith("tcp", StringComparison.Ordinal)).Select(s => s.Name[..^1]).Distinct()
            .ToDictionary(name => int.Parse(name.AsSpan(3, name.Length - 4), CultureInfo.InvariantCulture), name => (IReadOnlyList<SafeSocketHandle>)Named(name));
    }

    public IReadOnlyList<SafeSocketHandle> Http { get; }

    public IReadOnlyList<SafeSocketHandle> Https { get; }

    public IReadOnlyList<SafeSocketHandle> Proxy { get; }

    public IReadOnlyList<SafeSocketHandle> DnsTcp { get; }

    public IReadOnlyList<SafeSocketHandle> DnsUdp { get; }

    /// <summary>Empty unless <see cref="SandboxOptions.Ssh"/>.</summary>
    public IReadOnlyList<SafeSocketHandle> Ssh { get; }

    /// <summary>One Unix socket; empty unless <see cref="SandboxOptions.Ssh"/>.</summary>
    public IReadOnlyList<SafeSocketHandle> SshAgent { get; }

    /// <summary>The sockets of <see cref="SandboxOptions.ExtraPorts"/>, by port.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<SafeSocketHandle>> Extra { get; }

    public void Dispose()
    {
        foreach (var handle in (IEnumerable<SafeSocketHandle>)[.. Http, .. Https, .. Proxy, .. DnsTcp, .. DnsUdp, .. Ssh, .. SshAgent, .. Extra.Values.SelectMany(handles => handles)]) handle.Dispose();
    }
}
