using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4a: an agent says one host and means another.</summary>
public class HostConfusionTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_01_a_tunnel_to_one_host_takes_no_hello_for_another(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        // The other host is allowed as well in the second case: the tunnel's target is still not what is asked for.
        var lines = await SandboxNet.RunAsync(scene, $$"""
            for sni in ["{{Scene.ForbiddenHost}}", "{{Scene.EchoHost}}", "{{Scene.ApiHost}}"]:
                s, answer = tunnel("{{Scene.ApiHost}}:443")
                try:
                    t = tls(s, sni, check=False)
                    print(code(tell(t, f"GET /sni HTTP/1.1\r\nHost: {sni}\r\nConnection: close\r\n\r\n".encode())))
                except OSError:
                    print("closed")
            """);
        Assert.Equal(3, lines.Length);
        Assert.All(lines[..2], l => Assert.Contains(l, (string[])["closed", "421", "403"]));
        Assert.Equal("200", lines[2]);
        Assert.Equal(Scene.ApiHost, Assert.Single(scene.Upstream.Seen).Host);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_02_a_request_inside_tls_for_another_host_is_refused(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            for host in ["{{Scene.ForbiddenHost}}", "{{Scene.EchoHost}}", "{{Scene.ApiHost}}:8443", "{{Scene.ApiHost}}.", "{{Scene.ApiHost}}@{{Scene.ForbiddenHost}}"]:
                t = tls(dial(("{{Scene.ApiHost}}", 443)), "{{Scene.ApiHost}}")
                print(code(tell(t, f"GET /fronted HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())))
            t = tls(dial(("{{Scene.ApiHost}}", 443)), "{{Scene.ApiHost}}")
            print(code(tell(t, b"GET https://{{Scene.EchoHost}}/fronted HTTP/1.1\r\nHost: {{Scene.ApiHost}}\r\nConnection: close\r\n\r\n")))
            """);
        // A final dot names the same host, so that one may go through, to the same host.
        Assert.All(lines.Where((_, i) => i != 3), l => Assert.Contains(l, (string[])["400", "403", "421"]));
        Assert.All(scene.Upstream.Seen, s => Assert.Equal(Scene.ApiHost, s.Host.TrimEnd('.')));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_04_a_second_stream_to_another_authority_gets_no_credential(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Put("h2.js", $$"""
            const c = require('http2').connect('https://{{Scene.ApiHost}}');
            const ask = authority => new Promise(done => {
                const r = c.request({ ':path': '/stream', ':authority': authority });
                r.on('response', h => { console.log(h[':status']); r.resume(); });
                r.on('error', e => console.log(e.code));
                r.on('close', done);
            });
            (async () => {
                for (const a of ['{{Scene.ApiHost}}', '{{Scene.EchoHost}}', '{{Scene.ForbiddenHost}}', '{{Scene.ApiHost}}']) await ask(a);
                c.close();
            })();
            """);
        var result = await scene.Home.ScriptAsync("node h2.js");
        var lines = result.Out.TrimEnd().Split('\n');
        Assert.Equal(["200", "200"], [lines[0], lines[^1]]);
        Assert.All(lines[1..^1], l => Assert.Contains(l, (string[])["421", "403"]));
        Assert.All(scene.Upstream.Seen, s => Assert.Equal(Scene.ApiHost, s.Host));
        Assert.Equal(2, scene.Upstream.Seen.Count);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_07_a_name_that_looks_like_an_allowed_one_is_not_it(string user)
    {
        await using var scene = await Scene.StartAsync(user, """
                - "*.wild.test"
            """);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            api, bad = "{{Scene.ApiHost}}", "{{Scene.ForbiddenHost}}"
            for host in [f"{api}@{bad}", f"{bad}@{api}", f"{api}.evil.test", f"evil-{api}", f"x{api}", api[:-1], f"{api}%00.evil.test", f"{api}#.evil.test", f"{api}\\.evil.test",
                         "evilwild.test", "wild.test", "a.wild.test.evil.test", "a.wild.test@evil.test", f"{api}:443@{bad}", "xn--" + api, "*.wild.test", "аpi.upstream.test".encode("utf-8").decode("latin-1")]:
                s, connect = tunnel(host + ":443")
                if " 200" in connect:
                    try:
                        connect = code(tell(tls(s, host), f"GET /alike HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")))
                    except (OSError, ValueError):
                        connect = "closed"
                plain = code(tell(dial(PROXY), f"GET http://{host}/alike HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")))
                caught = code(tell(dial(("203.0.113.9", 80)), f"GET /alike HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")))
                print(host.encode(), connect, plain, caught)
            """);
        Assert.Equal(17, lines.Length);
        Assert.All(lines, l => Assert.DoesNotContain(" 200", l, StringComparison.Ordinal));
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_09_a_tunnel_inside_a_tunnel_is_refused(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            for inner in ["{{Scene.ForbiddenHost}}:443", "{{Scene.ApiHost}}:443", "{{Scene.ApiHost}}:22"]:
                s, answer = tunnel("{{Scene.ApiHost}}:443")
                print(code(tell(tls(s, "{{Scene.ApiHost}}"), f"CONNECT {inner} HTTP/1.1\r\nHost: {inner}\r\n\r\n".encode())))
                print(code(tell(dial(("{{Scene.EchoHost}}", 80)), f"CONNECT {inner} HTTP/1.1\r\nHost: {inner}\r\n\r\n".encode())))
            """);
        Assert.Equal(6, lines.Length);
        Assert.All(lines, l => Assert.Contains(l, (string[])["400", "403", "405", "421", "501", "closed"]));
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_16_an_allowed_host_is_allowed_on_its_ports_alone(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            for port in [22, 25, 53, 80, 853, 8080, 8443, {{scene.Upstream.Port}}, 0, 65536, -1]:
                s, answer = tunnel(f"{{Scene.ApiHost}}:{port}")
                direct = "none"
                if 0 < port < 65536 and port not in (53, 80):
                    try:
                        dial((socket.gethostbyname("{{Scene.ApiHost}}"), port))
                        direct = "open"
                    except ConnectionRefusedError:
                        direct = "refused"
                print(port, answer.split(" ")[1], direct)
            """);
        Assert.Equal(11, lines.Length);
        Assert.All(lines, l =>
        {
            Assert.DoesNotContain("open", l, StringComparison.Ordinal);
            // Port 80 is the host's own in a rule without a port; a tunnel to it may open and is inspected.
            if (!l.StartsWith("80 ", StringComparison.Ordinal)) Assert.Contains(l.Split(' ')[1], (string[])["400", "403"]);
        });
        Assert.Empty(scene.Upstream.Seen);
        var audit = await scene.Home.MoatAsync("audit", "--json");
        var denied = JsonDocument.Parse(audit.Out).RootElement.EnumerateArray().Count(r => r.GetProperty("type").GetString() is "connect.denied" or "request.denied");
        Assert.True(denied >= 7, audit.Out);
    }
}
