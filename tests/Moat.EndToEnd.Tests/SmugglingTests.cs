using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4d: requests that two servers would read in two ways, byte by byte.</summary>
public class SmugglingTests
{
    public static TheoryData<string> Users() => Binary.Users();

    private const string Send = """
        def send(raw, host):
            t = tls(dial((host, 443)), host)
            got = tell(t, raw.replace(b"HOST", host.encode()))
            print(code(got), "open" if b"STILL OPEN" in got else "closed", b"smuggled" in got, raw[:70])

        """;

    [Theory, MemberData(nameof(Users))]
    public async Task T_50_an_ambiguous_head_is_refused_and_the_connection_closed(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, Send + $$"""
            more = b"GET /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"
            start = b"POST /first HTTP/1.1\r\nHost: HOST\r\n"
            heads = [
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
                b"Content-Length: 0, 5\r\n\r\n",
                b"Content-Length: +5\r\n\r\nhello",
                b"Content-Length: -1\r\n\r\n",
                b"Content-Length: 0x5\r\n\r\nhello",
                b"Content-Length: 5 5\r\n\r\nhello",
                b"Content-Length: 18446744073709551616\r\n\r\n",
                b"Content-Length : 5\r\n\r\nhello",
                b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding: identity, chunked, chunked\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
                b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
                b"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
                b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
                b"X y: a\r\nContent-Length: 0\r\n\r\n",
                b": a\r\nContent-Length: 0\r\n\r\n",
                b"no colon\r\nContent-Length: 0\r\n\r\n",
                b"Host: {{Scene.ForbiddenHost}}\r\nContent-Length: 0\r\n\r\n",
            ]
            for head in heads: send(start + head + more, "{{Scene.ApiHost}}")
            for raw in [b"GET /first\r\n\r\n", b"GET /first HTTP/1.1\r\n\r\n", b"GET /first HTTP/2.0\r\nHost: HOST\r\n\r\n", b"GET  /first HTTP/1.1\r\nHost: HOST\r\n\r\n", b"GET /first\tHTTP/1.1\r\nHost: HOST\r\n\r\n",
                        b"GET /a b HTTP/1.1\r\nHost: HOST\r\n\r\n", b"GET /a\0 HTTP/1.1\r\nHost: HOST\r\n\r\n", b"G@T /first HTTP/1.1\r\nHost: HOST\r\n\r\n", b"GET /first HTTP/1.1\r\nHost: HOST \r\n x\r\n\r\n",
                        b"GET first HTTP/1.1\r\nHost: HOST\r\n\r\n", b"GET /first HTTP/1.1\nHost: HOST\n\n"]:
                send(raw + more, "{{Scene.ApiHost}}")
            """);
        Assert.Equal(36, lines.Length);
        Assert.All(lines, l =>
        {
            Assert.Matches("^(4..|505|501|closed) ", l);
            Assert.DoesNotContain("open", l[..12], StringComparison.Ordinal);
        });
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_50_a_broken_chunk_ends_the_request_and_starts_no_other(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, Send + $$"""
            more = b"GET /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"
            for chunks in [b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5 \nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n",
                           b"5\nhello\n0\n\n", b"\r\n5\r\nhello\r\n0\r\n\r\n"]:
                send(b"POST /upload HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + more, "{{Scene.ApiHost}}")
            """);
        Assert.Equal(8, lines.Length);
        Assert.All(lines, l => Assert.Matches("^(4..|5..|closed) closed False", l));
        Assert.DoesNotContain(scene.Upstream.Seen, s => s.Target == "/smuggled");
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_50_neither_h2c_nor_fields_of_http_1_in_http_2_pass(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            import subprocess
            host = "{{Scene.EchoHost}}"
            got = tell(dial((host, 80)), f"GET /h2c HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n".encode())
            print("upgraded" if b" 101 " in got else "not upgraded")
            got = tell(dial((host, 80)), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            print("prior knowledge" if got[3:4] == b"\4" else "refused")
            """);
        Assert.Equal(["not upgraded", "refused"], lines);
        scene.Put("h2raw.py", H2Raw);
        var result = await scene.Home.ScriptAsync($"/usr/bin/python3 h2raw.py {Scene.ApiHost}");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("200", result.Out.Split('\n')[0]);
        var answers = result.Out.TrimEnd().Split('\n');
        Assert.Equal(11, answers.Length);
        // RFC 9113 8.3.1: beside an authority the host field means nothing. It may be dropped, and must not get through.
        Assert.All(answers[1..].Where((_, i) => i != 8), l => Assert.Matches("^(4..|reset|goaway)$", l));
        Assert.All(scene.Upstream.Seen.Where(s => s.Target != "/h2c"), s =>
        {
            Assert.Contains(s.Target, (string[])["/fine", "/host"]);
            Assert.Equal(Scene.ApiHost, s.Host);
        });
    }

    /// <summary>Writes HTTP/2 frames with literal fields, so that fields can be sent which no client library sends.</summary>
    private const string H2Raw = """
        import sys
        from net import *
        host = sys.argv[1]
        def field(name, value):
            return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
        def frame(type, flags, stream, body=b""):
            return struct.pack(">I", len(body))[1:] + bytes([type, flags]) + struct.pack(">I", stream) + body
        def ask(path, extra=b"", body=None, method=b"POST"):
            t = tls(dial((host, 443)), host, ["h2"])
            fields = field(b":method", method) + field(b":scheme", b"https") + field(b":authority", host.encode()) + field(b":path", path) + extra
            out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 4 if body is not None else 5, 1, fields)
            if body is not None: out += frame(0, 1, 1, body)
            t.sendall(out)
            f = t.makefile("rb")
            while True:
                head = f.read(9)
                if len(head) < 9: return "goaway"
                length, kind, stream = int.from_bytes(head[:3], "big"), head[3], int.from_bytes(head[5:9], "big")
                payload = f.read(length)
                if kind == 7: return "goaway"
                if kind == 3 and stream == 1: return "reset"
                if kind == 1 and stream == 1:
                    first = payload[0]
                    # :status as an index of the static table, or a literal in its name.
                    known = {0x88: "200", 0x89: "204", 0x8a: "206", 0x8b: "304", 0x8c: "400", 0x8d: "404", 0x8e: "500"}
                    if first in known: return known[first]
                    value = payload[2:2 + (payload[1] & 0x7f)]
                    if not payload[1] & 0x80: return value.decode()
                    # Huffman: the digits of a status are five or six bits each.
                    digits = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6", "011101": "7", "011110": "8", "011111": "9"}
                    bits, text = "".join(f"{b:08b}" for b in value), ""
                    while len(text) < 3:
                        size = 5 if bits[:5] in digits else 6
                        text, bits = text + digits[bits[:size]], bits[size:]
                    return text
        print(ask(b"/fine", method=b"GET"))
        print(ask(b"/cl", field(b"content-length", b"0"), b"GET /smuggled HTTP/1.1\r\n\r\n"))
        print(ask(b"/te", field(b"transfer-encoding", b"chunked"), b"0\r\n\r\n"))
        print(ask(b"/crlf", field(b"x", b"a\r\nHost: evil"), b""))
        print(ask(b"/name", field(b"x\r\ny", b"a"), b""))
        print(ask(b"/upper", field(b"X-Upper", b"a"), b""))
        print(ask(b"/conn", field(b"connection", b"close"), b""))
        print(ask(b"/path HTTP/1.1\r\nHost: evil", b"", b""))
        print(ask(b"/twice", field(b":path", b"/second"), b""))
        print(ask(b"/host", field(b"host", b"forbidden.upstream.test"), b""))
        print(ask(b"/method", b"", b"", method=b"GET /x HTTP/1.1"))
        """;
}
