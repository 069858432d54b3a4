using System.Runtime.InteropServices;
using System.Text;

namespace Moat.Linux.Net;

/// <summary>A listening socket of the sandbox by its name (<c>http4</c>, <c>dnsudp6</c> …).</summary>
public readonly record struct NamedSocket(string Name, int Descriptor);

/// <summary>The sockets that make the sandbox's one way out; made inside the empty namespace, served by the gateway outside.</summary>
public static unsafe class Listeners
{
    /// <summary>The explicit proxy's port on the sandbox's loopback.</summary>
    public const int ProxyPort = 3128;

    /// <summary>Where the sandbox's ssh-agent answers, in a run that has one.</summary>
    public const string SshAgentPath = "/run/ssh-agent.sock";

    /// <param name="ipv6">False where the kernel has no IPv6.</param>
    /// <param name="ssh">True: port 22 is captured too, and there is an ssh-agent.</param>
    /// <param name="extraPorts">Further ports of TCP, of every address; their sockets are named <c>tcp5432-</c> and the family.</param>
    /// <exception cref="IOException">A port cannot be had.</exception>
    public static List<NamedSocket> Open(bool ipv6, bool ssh, IReadOnlyList<int> extraPorts)
    {
        List<NamedSocket> sockets = [];
        foreach (var family in ipv6 ? new[] { 4, 6 } : [4])
        {
            sockets.Add(Tcp("http", family, 80, anyAddress: true));
            sockets.Add(Tcp("https", family, 443, anyAddress: true));
            sockets.Add(Tcp("proxy", family, ProxyPort, anyAddress: false));
            sockets.Add(Tcp("dnstcp", family, 53, anyAddress: true));
            sockets.Add(Udp("dnsudp", family, 53));
            if (ssh) sockets.Add(Tcp("ssh", family, 22, anyAddress: true));
            foreach (var port in extraPorts) sockets.Add(Tcp($"tcp{port}-", family, (ushort)port, anyAddress: true));
        }

        if (ssh) sockets.Add(UnixSocket("sshagent", SshAgentPath));

        return sockets;
    }

    private static NamedSocket Tcp(string name, int family, ushort port, bool anyAddress)
    {
        var fd = Bound(name, family, Libc.SOCK_STREAM, port, anyAddress);
        if (Libc.listen(fd, 1024) != 0) throw Failed(name, family);
        return new NamedSocket(name + family, fd);
    }

    private static NamedSocket UnixSocket(string name, string path)
    {
        // struct sockaddr_un: the family, then the path and its zero.
        var fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        var address = stackalloc byte[110];
        new Span<byte>(address, 110).Clear();
        *(ushort*)address = (ushort)Libc.AF_UNIX;
        Encoding.ASCII.GetBytes(path, new Span<byte>(address + 2, 107));
        if (fd < 0 || Libc.bind(fd, address, (uint)(3 + path.Length)) != 0 || Libc.listen(fd, 64) != 0 || Libc.chmod(address + 2, 0b110_110_110) != 0) throw Failed(name, 0);
        return new NamedSocket(name + "0", fd);
    }

    private static NamedSocket Udp(string name, int family, ushort port)
    {
        var fd = Bound(name, family, Libc.SOCK_DGRAM, port, anyAddress: true);

        // IP_PKTINFO (8) and IPV6_RECVPKTINFO (49): an answer has to leave from the address that was asked.
        var on = 1;
        if (Libc.setsockopt(fd, family == 4 ? 0 : 41, family == 4 ? 8 : 49, &on, 4) != 0) throw Failed(name, family);
        return new NamedSocket(name + family, fd);
    }

    private static int Bound(string name, int family, int type, ushort port, bool anyAddress)
    {
        var fd = Libc.socket(family == 4 ? Libc.AF_INET : Libc.AF_INET6, type | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0) throw Failed(name, family);
        var on = 1;

        // SO_REUSEADDR (2), and IPV6_V6ONLY (26): the families have a socket each.
        _ = Libc.setsockopt(fd, 1, 2, &on, 4);
        if (family == 6) _ = Libc.setsockopt(fd, 41, 26, &on, 4);
        var address = stackalloc byte[28];
        new Span<byte>(address, 28).Clear();
        *(ushort*)address = (ushort)(family == 4 ? Libc.AF_INET : Libc.AF_INET6);
        address[2] = (byte)(port >> 8);
        address[3] = (byte)port;
        if (!anyAddress && family == 4) (address[4], address[7]) = (127, 1);
        if (!anyAddress && family == 6) address[23] = 1;
        if (Libc.bind(fd, address, family == 4 ? 16u : 28u) != 0) throw Failed(name, family);
        return fd;
    }

    private static IOException Failed(string name, int family) => new($"the socket {name}{family} cannot be made: errno {Marshal.GetLastPInvokeError()}");
}
