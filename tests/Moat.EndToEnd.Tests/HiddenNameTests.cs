using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>T-17: names that a request hides from the gateway, by encryption or inside another protocol.</summary>
public class HiddenNameTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_17_an_encrypted_hello_leads_only_where_its_outer_name_may_go(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            # A ClientHello with an encrypted_client_hello (RFC 9849) of random bytes: without the key nobody tells a real one from it.
            def extension(kind, body): return struct.pack(">HH", kind, len(body)) + body
            def vector(body, size=2): return len(body).to_bytes(size, "big") + body
            def hello(outer):
                ech = b"\x00" + struct.pack(">HHB", 1, 1, 7) + vector(os.urandom(32)) + vector(os.urandom(208))
                name = vector(b"\x00" + vector(outer.encode()))
                extensions = extension(0, name) + extension(0xfe0d, ech) + extension(10, vector(struct.pack(">HH", 0x1d, 0x17))) + extension(13, vector(bytes.fromhex("04030503080408050401"))) \
                    + extension(43, vector(b"\x03\x04", 1)) + extension(51, vector(struct.pack(">H", 0x1d) + vector(os.urandom(32)))) + extension(45, b"\x01\x01")
                body = b"\x03\x03" + os.urandom(32) + vector(os.urandom(32), 1) + vector(struct.pack(">HH", 0x1301, 0x1302)) + b"\x01\x00" + vector(extensions)
                return b"\x16\x03\x01" + vector(b"\x01" + vector(body, 3))
            def answer(s, outer):
                s.settimeout(5)
                try:
                    s.sendall(hello(outer))
                    got = s.recv(6)
                except OSError:
                    got = b""
                return "served" if got[:1] == b"\x16" and got[5:6] == b"\x02" else "refused"
            for target, outer in [("{{Scene.ApiHost}}", "{{Scene.ApiHost}}"), ("{{Scene.ApiHost}}", "cloudflare-ech.com"), ("{{Scene.ApiHost}}", "{{Scene.EchoHost}}")]:
                print("tunnel", outer, answer(tunnel(target + ":443")[0], outer))
                print("direct", outer, answer(dial((target, 443)), outer))
            """);
        Assert.Equal([
            $"tunnel {Scene.ApiHost} served", $"direct {Scene.ApiHost} served",
            "tunnel cloudflare-ech.com refused", "direct cloudflare-ech.com refused",
            $"tunnel {Scene.EchoHost} refused", $"direct {Scene.EchoHost} refused"], lines);
        Assert.Empty(scene.Upstream.Seen);
        var audit = (await scene.Home.MoatAsync("audit", "--json")).Out;
        Assert.Equal(4, audit.Split("the TLS server name is").Length - 1);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_17_a_resolver_over_https_is_an_ordinary_request_to_a_host_that_a_rule_names_and_denied_elsewhere(string user)
    {
        await using var scene = await Scene.StartAsync(user, mode: "permissive");
        var result = await scene.Home.ScriptAsync($$"""
            for host in {{Scene.EchoHost}} {{Scene.ForbiddenHost}}; do
                curl -sS -o /dev/null -w '%{http_code} ' "https://$host/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"
                curl -sS -o /dev/null -w '%{http_code} ' -H 'Accept: application/dns-json' "https://$host/resolve?name=leak.example"
                printf 'query' | curl -sS -o /dev/null -w '%{http_code} ' -H 'Content-Type: application/dns-message' --data-binary @- "https://$host/any"
                curl -sS -o /dev/null -w '%{http_code}\n' "https://$host/plain"
            done
            """);
        Assert.Equal("200 200 200 200\n403 403 403 200\n", result.Out);
        Assert.Equal("/plain", Assert.Single(scene.Upstream.Seen, seen => seen.Host == Scene.ForbiddenHost).Target);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_17_quic_and_dns_over_tls_find_nobody_at_home(string user)
    {
        await using var scene = await Scene.StartAsync(user, mode: "permissive");
        var lines = await SandboxNet.RunAsync(scene, $$"""
            for host in ["{{Scene.ApiHost}}", "203.0.113.9", "127.0.0.1"]:
                # A QUIC initial (RFC 9000) of a version that any server answers with its own.
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.settimeout(0.5)
                try:
                    s.sendto(bytes([0xC0]) + b"\x0a\x0a\x0a\x0a" + bytes([8]) + os.urandom(8) + bytes([0]) + bytes(1200), (host, 443))
                    print("quic", s.recvfrom(1500))
                except OSError:
                    pass
                for port in [853, 8853]:
                    try:
                        dial((host, port))
                        print("open", host, port)
                    except OSError:
                        pass
            # Permissive opens every port to a tunnel, but what it carries is read as HTTP.
            query = bytes.fromhex("abcd01000001000000000000036c656b076578616d706c65000001 0001".replace(" ", ""))
            print("tunnel", code(tell(tls(tunnel("{{Scene.ApiHost}}:853")[0], "{{Scene.ApiHost}}"), struct.pack(">H", len(query)) + query)))
            """);
        Assert.Matches("^tunnel (400|closed)$", Assert.Single(lines));
        Assert.Empty(scene.Upstream.Seen);
    }
}
