using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4a: ways around the gateway, and ways at it.</summary>
public class EscapeRouteTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_10_a_datagram_leaves_no_sandbox(string user)
    {
        await using var scene = await Scene.StartAsync(user, mode: "permissive");
        using var host = new UdpClient(new IPEndPoint(IPAddress.Any, 0));
        var port = ((IPEndPoint)host.Client.LocalEndPoint!).Port;
        var addresses = string.Join(", ", HostAddresses().Select(a => $"\"{a}\""));
        var lines = await SandboxNet.RunAsync(scene, $$"""
            for address in [{{addresses}}, "127.0.0.1", "203.0.113.9", "255.255.255.255"]:
                for port in [{{port}}, 443]:
                    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    s.settimeout(0.2)
                    try:
                        s.sendto(b"quic?", (address, port))
                        print("answer", s.recvfrom(100))
                    except OSError:
                        pass
            print("done")
            """);
        Assert.Equal("done", Assert.Single(lines));
        Assert.Equal(0, host.Available);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_10_no_program_inside_gains_rights(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Put("gain.py", """
            import ctypes, os
            for name, call in [("setuid", lambda: os.setuid(0)), ("setgid", lambda: os.setgid(0)), ("setgroups", lambda: os.setgroups([0])), ("chroot", lambda: os.chroot("/tmp"))]:
                try:
                    call()
                    print(name, "worked")
                except OSError:
                    print(name, "refused")
            libc = ctypes.CDLL(None, use_errno=True)
            for name, flags in [("user", 0x10000000), ("net", 0x40000000), ("mount", 0x20000)]:
                print(name, "worked" if libc.unshare(flags) == 0 else "refused")
            """);
        var result = await scene.Home.ScriptAsync("""
            cp /usr/bin/id own-id; chmod 4755 own-id; ./own-id -u >uid
            /usr/bin/python3 gain.py
            grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | tr -d ' \t'
            su -c 'echo root now' root </dev/null
            mount -t tmpfs none /tmp
            test "$(cat uid)" = "$(id -u)" && echo same user
            """);
        Assert.DoesNotContain("worked", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("root now", result.Out, StringComparison.Ordinal);
        Assert.Equal(5, result.Out.Split('\n').Count(l => l.StartsWith("Cap", StringComparison.Ordinal) && l.EndsWith(":0000000000000000", StringComparison.Ordinal)));
        Assert.Contains("NoNewPrivs:1\nSeccomp:2\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("same user", result.Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_11_settings_in_the_workspace_lead_no_client_around_the_gateway(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        using var trap = new TcpListener(IPAddress.Any, 0);
        trap.Start();
        var proxy = $"http://{HostAddresses().First()}:{((IPEndPoint)trap.LocalEndpoint).Port}";
        scene.Put(".npmrc", $"proxy={proxy}\nhttps-proxy={proxy}\nnoproxy=*\nstrict-ssl=false\nfetch-retries=0\n");
        scene.Put("curlrc", $"proxy = {proxy}\ninsecure\n");
        var result = await scene.Home.ScriptAsync($$"""
            cp curlrc $HOME/.curlrc
            curl -sS -m 20 https://{{Scene.ApiHost}}/by-curlrc
            rm $HOME/.curlrc
            git init -q . && git config http.proxy {{proxy}} && git config http.sslVerify false
            git ls-remote https://{{Scene.ApiHost}}/git/p.git
            npm view --registry https://{{Scene.ForbiddenHost}}/ tiny
            ALL_PROXY={{proxy}} HTTPS_PROXY={{proxy}} https_proxy={{proxy}} curl -sS -m 20 https://{{Scene.ApiHost}}/by-env
            echo; echo "--- no_proxy"
            NO_PROXY='*' no_proxy='*' curl -sS -o /dev/null -w '%{http_code}\n' http://{{Scene.ForbiddenHost}}/ --resolve {{Scene.ForbiddenHost}}:80:203.0.113.9
            NO_PROXY='*' no_proxy='*' curl -sSk -o /dev/null -w '%{http_code}\n' https://{{Scene.ForbiddenHost}}/ --resolve {{Scene.ForbiddenHost}}:443:203.0.113.9
            NO_PROXY='*' no_proxy='*' curl -sS https://{{Scene.ApiHost}}/whoami
            """);
        var after = result.Out[result.Out.IndexOf("--- no_proxy\n", StringComparison.Ordinal)..].Split('\n');
        Assert.Equal("403", after[1]);
        Assert.Contains(after[2], (string[])["403", "000"]);
        Assert.StartsWith("authorised", after[3], StringComparison.Ordinal);
        Assert.False(trap.Pending(), "a client reached the proxy of the agent's choice");
        Assert.Equal("/whoami", Assert.Single(scene.Upstream.Seen).Target);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_17_other_protocols_and_socket_families_lead_nowhere(string user)
    {
        await using var scene = await Scene.StartAsync(user, mode: "permissive");
        var name = "moat-e2e-" + Guid.NewGuid().ToString("N");
        using var onHost = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        onHost.Bind(new UnixDomainSocketEndPoint("\0" + name));
        onHost.Listen();
        var lines = await SandboxNet.RunAsync(scene, $$"""
            kinds = {"vsock": (40, 1, 0), "packet": (17, 3, 0x300), "packet dgram": (17, 2, 0x300), "raw tcp": (2, 3, 6), "raw icmp": (2, 3, 1), "raw6 icmp": (10, 3, 58), "sctp": (2, 1, 132),
                     "sctp seq": (2, 5, 132), "dccp": (2, 6, 33), "alg": (38, 5, 0), "bluetooth": (31, 3, 0), "key": (15, 3, 2), "netfilter": (16, 3, 12), "netlink audit": (16, 3, 9),
                     "tipc": (30, 1, 0), "rds": (21, 5, 0), "smc": (43, 1, 0), "xdp": (44, 3, 0), "can": (29, 3, 1)}
            for kind, (family, type, protocol) in kinds.items():
                try:
                    socket.socket(family, type, protocol)
                    print("got", kind)
                except OSError:
                    pass
            try:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
                s.settimeout(0.2)
                s.sendto(b"\x08\0\0\0\0\0\0\0", ("203.0.113.9", 0))
                print("pong", s.recvfrom(100))
            except OSError:
                pass
            u = socket.socket(socket.AF_UNIX)
            try:
                u.connect("\0{{name}}")
                print("got the host's abstract socket")
            except OSError:
                pass
            for family, address in [(socket.AF_INET, "203.0.113.9"), (socket.AF_INET6, "2001:db8::9"), (socket.AF_INET, "{{Scene.ApiHost}}")]:
                for port in [853, 784, 8853, 5353, 22, 3128 if address[0] == "2" else 21]:
                    try:
                        dial((address, port), family)
                        print("open", address, port)
                    except OSError:
                        pass
            print("done")
            """);
        Assert.Equal("done", Assert.Single(lines));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_19_nothing_of_the_supervisor_is_seen_reached_or_killed_from_inside(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Put("scan.py", """
            import os, socket
            open_ports = []
            for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
                for port in range(1, 65536):
                    s = socket.socket(family, socket.SOCK_STREAM)
                    # A socket that got this very port for its own end has met itself.
                    if s.connect_ex((address, port)) == 0 and s.getsockname() != s.getpeername(): open_ports.append(port)
                    s.close()
            print("ports", sorted(set(open_ports)))
            print("unix", [l for l in open("/proc/net/unix").read().split("\n")[1:] if l])
            print("sockets", [os.path.join(d, f) for root in ("/run", "/tmp", "/var", "/dev", "/home") for d, _, fs in os.walk(root) for f in fs
                              if os.path.exists(os.path.join(d, f)) and (os.stat(os.path.join(d, f)).st_mode & 0o170000) == 0o140000])
            """);
        var result = await scene.Home.ScriptAsync($$"""
            ls {{scene.Home.State}} {{scene.Home.Home}} 2>&1 | sed 's/^/ls: /'
            for p in /proc/[0-9]*; do tr '\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -c '[m]oat run'
            ls -l /proc/self/fd | grep -c socket:
            /usr/bin/python3 scan.py
            for port in 3128 80; do for path in / /metrics /health /admin /debug; do curl -sS -o /dev/null -w '%{http_code} ' --noproxy '*' http://127.0.0.1:$port$path; done; done; echo
            ls /proc/1/fd /proc/1/root/ /proc/1/cwd/ >/dev/null 2>&1 && echo read init
            """);
        var lines = result.Out.Split('\n');
        Assert.All(lines.Where(l => l.StartsWith("ls: ", StringComparison.Ordinal)), l => Assert.Matches("No such file|Permission denied", l));
        Assert.Contains("ports [53, 80, 443, 3128]", lines);
        Assert.Contains("unix []", lines);
        Assert.Contains("sockets []", lines);
        var counts = lines.SkipWhile(l => l.StartsWith("ls: ", StringComparison.Ordinal)).Take(2);
        Assert.Equal(["0", "0"], counts);
        Assert.All(lines.First(l => l.Contains("40", StringComparison.Ordinal) && l.EndsWith(' ')).TrimEnd().Split(' '), code => Assert.Matches("^4..$", code));
        Assert.DoesNotContain("read init", lines);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_19_killing_everything_inside_ends_at_most_the_run_itself(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var one = await scene.Home.ScriptAsync($"kill -9 1; kill -TERM 1; kill -INT 1; kill -STOP 1; echo still here; curl -sS https://{Scene.ApiHost}/whoami");
        Assert.True(one.ExitCode == 0, one.ToString());
        Assert.Contains("still here\nauthorised", one.Out, StringComparison.Ordinal);
        var all = await scene.Home.ScriptAsync("kill -9 -1; exit 3");
        Assert.Contains(all.ExitCode, (int[])[3, 137]);
        Assert.Equal(0, (await scene.Home.MoatAsync("audit")).ExitCode);
    }

    private static IEnumerable<string> HostAddresses() =>
        NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetwork).OrderBy(IPAddress.IsLoopback).Select(a => a.ToString());
}
