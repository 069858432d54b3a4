using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4a: every way to write an address that nobody outside may be reached at.</summary>
public class AddressTests
{
    public static TheoryData<string, string> UsersAndModes()
    {
        var rows = new TheoryData<string, string>();
        foreach (var user in Binary.Users().Select(row => row.Data)) foreach (var mode in (string[])["strict", "permissive"]) rows.Add(user, mode);
        return rows;
    }

    public static TheoryData<string> Users() => Binary.Users();

    private const string Ask = """
        def ask(host, port):
            out = []
            s, answer = tunnel(f"{host}:{port}")
            if " 200" in answer:
                try:
                    answer = "tls " + code(tell(tls(s, host.strip("[]"), check=False), f"GET /reached HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()))
                except (OSError, ValueError):
                    answer = "closed"
            out.append(answer.split(" ")[1] if " " in answer else answer)
            at = f"{host}:{port}"
            out.append(code(tell(dial(PROXY), f"GET http://{at}/reached HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n".encode())))
            out.append(code(tell(dial(("203.0.113.9", 80)), f"GET /reached HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())))
            print(host.encode(), *out)

        """;

    [Theory, MemberData(nameof(UsersAndModes))]
    public async Task T_12_no_spelling_of_an_inner_address_leads_there(string user, string mode)
    {
        await using var scene = await Scene.StartAsync(user, mode: mode);
        var lines = await SandboxNet.RunAsync(scene, Ask + $$"""
            hosts = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "00000177.0.0.1", "127.0.0.1.", "127.000.000.001",
                     "0", "0.0.0.0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
                     "[2001:0:7f00:1::]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[fc00::1]", "[ff02::1]", "localhost", "localhost.", "LOCALHOST", "a.localhost", "10.0.0.1", "172.16.0.1", "192.168.0.1",
                     "100.64.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "moat-host", "host.docker.internal", "ip6-localhost", "127.0.0.11", "①②⑦.⓪.⓪.①".encode().decode("latin-1"), "127。0。0。1".encode().decode("latin-1")]
            for host in hosts:
                for port in [{{scene.Upstream.Port}}, 443, 80]:
                    try:
                        ask(host, port)
                    except UnicodeEncodeError:
                        print(host.encode(), "not sent")
            """);
        Assert.True(lines.Length >= 44 * 3, string.Join('\n', lines));
        Assert.All(lines, l =>
        {
            Assert.DoesNotContain(" 200", l, StringComparison.Ordinal);
            // An address that is tried and fails answers 502: that would be an attempt. A name fails so when it does not exist.
            if (!l.Contains("docker", StringComparison.Ordinal) && !l.Contains("a.local", StringComparison.Ordinal) && !l.Contains("ip6-local", StringComparison.Ordinal)) Assert.DoesNotContain(" 50", l, StringComparison.Ordinal);
        });
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(UsersAndModes))]
    public async Task T_13_no_metadata_service_is_reached_even_when_a_rule_names_it(string user, string mode)
    {
        await using var scene = await Scene.StartAsync(user, mode: mode);
        scene.EditConfig("rules:", "rules:\n    - \"169.254.169.254\"\n    - metadata.google.internal\n    - \"168.63.129.16\"\n    - \"100.100.100.200\"");
        var lines = await SandboxNet.RunAsync(scene, Ask + """
            for host in ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "168.63.129.16",
                         "100.100.100.200", "metadata.google.internal", "METADATA.google.internal.", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]:
                for port in [80, 443]: ask(host, port)
            for address, family in [("169.254.169.254", socket.AF_INET), ("fd00:ec2::254", socket.AF_INET6)]:
                print("direct", code(tell(dial((address, 80), family), f"GET /latest/meta-data/ HTTP/1.1\r\nHost: {address if family == socket.AF_INET else '[' + address + ']'}\r\nConnection: close\r\n\r\n".encode())))
            """);
        Assert.Equal(32, lines.Length);
        Assert.All(lines, l => Assert.DoesNotContain(" 200", l, StringComparison.Ordinal));
        Assert.All(lines, l => Assert.DoesNotContain(" 50", l, StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_20_a_sandbox_reaches_neither_the_host_nor_another_sandbox(string user)
    {
        await using var scene = await Scene.StartAsync(user, mode: "permissive");
        await using var other = await Scene.StartAsync(user);
        using var onEveryAddress = new TcpListener(IPAddress.IPv6Any, 0) { Server = { DualMode = true } };
        onEveryAddress.Start();
        var port = ((IPEndPoint)onEveryAddress.LocalEndpoint).Port;
        other.Put("serve.py", """
            import socket
            s = socket.create_server(("0.0.0.0", 7777))
            u = socket.socket(socket.AF_UNIX); u.bind("\0moat-e2e"); u.listen()
            print("serving", flush=True)
            input()
            s.settimeout(0); u.settimeout(0)
            for x in (s, u):
                try: print("reached by", x.accept())
                except BlockingIOError: pass
            """);
        await using var neighbour = LiveRun.Start(other.Home, "/usr/bin/python3 serve.py");
        await neighbour.UntilAsync("serving");
        var addresses = NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => a.Address)
            .Where(a => !a.IsIPv6LinkLocal).Select(a => $"\"{a}\"");
        var lines = await SandboxNet.RunAsync(scene, Ask + $$"""
            for address in [{{string.Join(", ", addresses)}}, "127.0.0.11", "10.0.2.2", "172.17.0.1"]:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                for port in [{{port}}, 7777]:
                    try:
                        dial((address, port), family)
                        print("open", address, port)
                    except OSError:
                        pass
                ask(f"[{address}]" if ":" in address else address, {{port}})
            u = socket.socket(socket.AF_UNIX)
            try:
                u.connect("\0moat-e2e")
                print("open abstract")
            except OSError:
                print("no abstract socket")
            for name in ["host.docker.internal", "gateway.docker.internal", "moat-host", "host.containers.internal"]:
                ask(name, {{port}})
            """);
        Assert.Contains("no abstract socket", lines);
        Assert.All(lines, l => Assert.DoesNotContain("open", l, StringComparison.Ordinal));
        Assert.All(lines, l => Assert.DoesNotContain(" 200", l, StringComparison.Ordinal));
        Assert.False(onEveryAddress.Pending(), "a connection reached the host");
        await neighbour.SayAsync("end");
        Assert.DoesNotContain("reached by", (await neighbour.EndAsync()).Out, StringComparison.Ordinal);
    }
}
