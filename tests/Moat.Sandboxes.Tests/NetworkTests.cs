using System.Net;
using System.Net.Sockets;

namespace Moat.Sandboxes.Tests;

/// <summary>T-10, T-16, T-17, T-24: every way out ends at a socket that the supervisor holds, or at once.</summary>
public sealed class NetworkTests
{
    private const string Connect = """
        import socket, sys
        def try_(kind, host, port, data=b''):
            family = socket.AF_INET6 if ':' in host else socket.AF_INET
            s = socket.socket(family, kind)
            s.settimeout(20)
            try:
                s.connect((host, port))
                if kind == socket.SOCK_DGRAM:
                    s.send(data)
                    s.send(data)
                    s.recv(100)
                print('connected', flush=True)
                sys.stdin.readline()
            except OSError as e:
                print(type(e).__name__, e.errno, flush=True)

        """;

    [Theory]
    [InlineData("203.0.113.7", 80)]
    [InlineData("2001:db8::7", 443)]
    [InlineData("10.0.0.1", 53)]
    [InlineData("169.254.169.254", 80)]
    [InlineData("127.0.0.1", 3128)]
    [InlineData("::1", 3128)]
    public async Task T_10_a_connection_to_any_address_arrives_as_it_was_asked_for(string host, int port)
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("/usr/bin/python3", "-c", Connect + $"try_(socket.SOCK_STREAM, '{host}', {port})"));
        var handles = port switch { 80 => sandbox.Listeners.Http, 443 => sandbox.Listeners.Https, 53 => sandbox.Listeners.DnsTcp, _ => sandbox.Listeners.Proxy };
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal("connected", new StreamReader(process.Stdout).ReadLine());
        using var listener = new Socket(Duplicate(handles[host.Contains(':', StringComparison.Ordinal) ? 1 : 0]));
        using var accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal(new IPEndPoint(IPAddress.Parse(host), port), accepted.LocalEndPoint);
    }

    [Theory]
    [InlineData("SOCK_STREAM", "203.0.113.7", 22)]
    [InlineData("SOCK_STREAM", "203.0.113.7", 8443)]
    [InlineData("SOCK_STREAM", "2001:db8::7", 25)]
    [InlineData("SOCK_STREAM", "203.0.113.7", 853)]
    [InlineData("SOCK_STREAM", "203.0.113.7", 3128)]
    [InlineData("SOCK_DGRAM", "203.0.113.7", 443)]
    [InlineData("SOCK_DGRAM", "2001:db8::7", 443)]
    [InlineData("SOCK_DGRAM", "203.0.113.7", 5353)]
    public async Task T_16_T_17_other_ports_and_QUIC_are_refused_at_once(string kind, string host, int port)
    {
        await using var fixture = new SandboxFixture();
        var (_, output, error) = await fixture.RunAsync(fixture.Spec("/usr/bin/python3", "-c", Connect + $"try_(socket.{kind}, '{host}', {port}, b'x')"));

        // ECONNREFUSED is 111: an answer of the kernel's own (RST, or an ICMP error), not a timeout.
        Assert.True(output == "ConnectionRefusedError 111\n", output + error);
    }

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("2001:4860:4860::8888")]
    public async Task T_24_a_question_to_any_resolver_arrives_with_the_address_that_was_asked(string resolver)
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("/usr/bin/python3", "-c",
            $"import socket\ns=socket.socket(socket.{(resolver.Contains(':', StringComparison.Ordinal) ? "AF_INET6" : "AF_INET")}, socket.SOCK_DGRAM)\ns.sendto(b'question', ('{resolver}', 53))\nprint('sent', flush=True)\ninput()"));
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal("sent", new StreamReader(process.Stdout).ReadLine());
        var six = resolver.Contains(':', StringComparison.Ordinal);
        using var socket = new Socket(Duplicate(sandbox.Listeners.DnsUdp[six ? 1 : 0]));
        var buffer = new byte[100];
        var got = await socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, new IPEndPoint(six ? IPAddress.IPv6Any : IPAddress.Any, 0), TestContext.Current.CancellationToken);
        Assert.Equal("question"u8.ToArray(), buffer[..got.ReceivedBytes]);
        Assert.Equal(IPAddress.Parse(resolver), got.PacketInformation.Address);
    }

    [Fact]
    public async Task T_17_raw_packet_and_vsock_sockets_are_refused()
    {
        await using var fixture = new SandboxFixture();
        var (_, output, error) = await fixture.RunAsync(fixture.Spec("/usr/bin/python3", "-c", """
            import socket
            for family, kind, protocol in [(2, 3, 1), (10, 3, 58), (2, 2, 1), (17, 3, 768), (40, 1, 0), (2, 1, 132), (16, 3, 12)]:
                try: socket.socket(family, kind, protocol); print('open', family, kind, protocol)
                except PermissionError: print('refused')
            """));
        Assert.True(output == string.Concat(Enumerable.Repeat("refused\n", 7)), output + error);
    }

    [Fact]
    public async Task T_17_an_abstract_socket_of_the_host_is_not_there()
    {
        var name = "moat-test-" + Guid.NewGuid().ToString("n");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint("\0" + name));
        listener.Listen();
        using var control = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await control.ConnectAsync(new UnixDomainSocketEndPoint("\0" + name), TestContext.Current.CancellationToken);
        await using var fixture = new SandboxFixture();
        var (_, output, _) = await fixture.RunAsync(fixture.Spec("/usr/bin/python3", "-c",
            $"import socket\ntry: socket.socket(socket.AF_UNIX).connect('\\0{name}'); print('reached')\nexcept OSError as e: print('errno', e.errno)\n"));
        Assert.Equal("errno 111\n", output);
    }

    [Fact]
    public async Task T_20_the_hosts_loopback_is_another()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var fixture = new SandboxFixture();
        var (_, output, error) = await fixture.RunAsync(fixture.Spec("/usr/bin/python3", "-c", Connect + $"try_(socket.SOCK_STREAM, '127.0.0.1', {port})"));
        Assert.True(output == "ConnectionRefusedError 111\n", output + error);
        Assert.False(listener.Pending());
    }

    /// <summary>A Socket closes its handle; the sandbox keeps its own.</summary>
    private static SafeSocketHandle Duplicate(SafeSocketHandle handle)
    {
        var copy = Moat.Linux.Libc.dup2((int)handle.DangerousGetHandle(), FreeDescriptor());
        Assert.True(copy >= 0);
        return new SafeSocketHandle(copy, ownsHandle: true);
    }

    private static int FreeDescriptor()
    {
        // Taken by a file until dup2 replaces it, so that no other thread gets the number meanwhile.
        var handle = File.OpenHandle("/dev/null");
        var number = (int)handle.DangerousGetHandle();
        handle.SetHandleAsInvalid();
        return number;
    }
}
