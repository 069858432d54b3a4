using System.Net.WebSockets;
using System.Text;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4d, T-51 and T-52: what an upgraded connection carries is looked at like any other traffic.</summary>
public class WebSocketTests
{
    private const string Frames = """
        from net import *
        import base64

        def upgrade(host, path="/ws", extra="", behind=b""):
            s = tls(dial((host, 443)), host)
            key = base64.b64encode(os.urandom(16)).decode()
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n".encode() + behind)
            return s, status(head(s))

        def frame(opcode, data=b"", final=True, mask=True, reserved=0, length=None):
            size = len(data) if length is None else length
            bits = 0x80 if mask else 0
            head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
            head += bytes([bits | size]) if size < 126 and length is None else bytes([bits | 126]) + struct.pack(">H", size) if size < 65536 and length is None else bytes([bits | 127]) + struct.pack(">Q", size)
            key = os.urandom(4) if mask else b""
            return head + key + (bytes(c ^ key[i % 4] for i, c in enumerate(data)) if mask else data)

        # The frames of a server as (opcode, payload).
        def frames(got):
            out = []
            while len(got) >= 2:
                size, at = got[1] & 127, 2
                if size == 126: size, at = struct.unpack(">H", got[2:4])[0], 4
                elif size == 127: size, at = struct.unpack(">Q", got[2:10])[0], 10
                out.append((got[0] & 15, got[at:at + size]))
                got = got[at + size:]
            return out

        def closed_with(got):
            ends = [struct.unpack(">H", p[:2])[0] for o, p in frames(got) if o == 8 and len(p) >= 2]
            return ends[0] if len(ends) == 1 else repr(got[:80])
        """;

    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_52_a_frame_that_the_standard_forbids_ends_the_websocket_with_1008(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var got = new List<string>();
        scene.Upstream.Answer = async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[65536];
            try
            {
                while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } message)
                {
                    lock (got) got.Add(Encoding.UTF8.GetString(buffer, 0, message.Count));
                }
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                lock (got) got.Add("cut");
            }

            return true;
        };
        scene.Put("ws.py", Frames);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            from ws import *
            bad = {
                "unmasked": frame(1, b"BAD", mask=False),
                "compressed": frame(1, b"BAD", reserved=4),
                "reserved opcode": frame(3, b"BAD"),
                "long ping": frame(9, b"B" * 126),
                "fragmented close": frame(8, b"", final=False),
                "bad text": frame(1, b"BAD\xff"),
                "bad close": frame(8, b"\x03\xee"),
                "long length": frame(1, b"BAD", length=3),
                "negative length": frame(2, b"BAD", length=1 << 63),
                "request": b"GET /smuggled HTTP/1.1\r\nHost: {{Scene.ApiHost}}\r\n\r\n",
                "ping flood": frame(9) * 2000,
                "close flood": frame(8, b"\x03\xe8") * 50 + frame(1, b"BAD"),
                "continuation": frame(0, b"BAD"),
            }
            for name, data in bad.items():
                s, first = upgrade("{{Scene.ApiHost}}")
                if " 101 " not in first: print(first)
                print(name, closed_with(tell(s, data)))
            s, first = upgrade("{{Scene.ApiHost}}")
            s.sendall(frame(1, b"still served"))
            print(closed_with(tell(s, frame(8, b"\x03\xe8"))))
            """);
        Assert.All(lines[..^1], line => Assert.EndsWith(" 1008", line, StringComparison.Ordinal));
        Assert.Equal(14, lines.Length);
        Assert.DoesNotContain(got, text => text.Contains("BAD", StringComparison.Ordinal));
        Assert.Contains("still served", got);
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target == "/smuggled");
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal(["Bearer " + scene.Secret], seen.Header("Authorization")));
        var audit = await scene.Home.MoatAsync("audit", "--json");
        Assert.Equal(13, audit.Out.Split("WebSocket, RFC 6455").Length - 1);
        Assert.Equal(0, (await scene.Home.MoatAsync("audit")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_52_a_secret_in_fragments_is_masked_a_placeholder_stays_inert_and_no_compression_is_agreed_on(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Upstream.Answer = async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(new Microsoft.AspNetCore.Http.WebSocketAcceptContext { DangerousEnableCompression = true });
            var secret = Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString());
            for (var i = 0; i < secret.Length; i++) await socket.SendAsync(secret.AsMemory(i, 1), WebSocketMessageType.Text, i == secret.Length - 1, default);
            var buffer = new byte[4096];
            var message = await socket.ReceiveAsync(buffer, default);
            await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, true, default);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, Encoding.UTF8.GetString(secret), default);
            return true;
        };
        scene.Put("client.mjs", $$"""
            const socket = new WebSocket("wss://{{Scene.ApiHost}}/ws");
            let messages = 0;
            socket.onmessage = event => {
                console.log(event.data);
                if (++messages === 1) socket.send(process.env.UPSTREAM_TOKEN);
                else console.log(event.data === process.env.UPSTREAM_TOKEN);
            };
            socket.onclose = event => { console.log(event.code, event.reason, JSON.stringify(socket.extensions)); };
            socket.onerror = event => console.log("error", event.message);
            """);
        scene.Put("ws.py", Frames);
        SandboxNet.Put(scene);
        scene.Put("raw.py", $$"""
            from ws import *
            s, first = upgrade("{{Scene.ApiHost}}", extra="Sec-WebSocket-Extensions: permessage-deflate\r\n")
            print(first)
            s.sendall(frame(1, os.environ["UPSTREAM_TOKEN"].encode()))
            s.settimeout(20)
            got = b""
            while not [1 for o, p in frames(got) if o == 8]: got += s.recv(65536)
            print(b"".join(p for o, p in frames(got)))
            """);
        // Where node has a WebSocket of its own (22 and later); the raw client says the same everywhere.
        var result = await scene.Home.ScriptAsync("node -e 'process.exit(typeof WebSocket === \"function\" ? 0 : 1)' && node client.mjs; /usr/bin/python3 raw.py");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("Bearer [moat:redacted]***", result.Out, StringComparison.Ordinal);
        Assert.Contains("101 Switching Protocols", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("false", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("error", result.Out, StringComparison.Ordinal);
        scene.AssertNoSecretIn("the messages", result.Out + result.Err);
        Assert.All(scene.Upstream.Seen, seen => Assert.Empty(seen.Header("Sec-WebSocket-Extensions")));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_52_a_frame_of_any_length_passes_in_constant_memory(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        long total = 0;
        scene.Upstream.Answer = async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[65536];
            System.Net.WebSockets.ValueWebSocketReceiveResult piece;
            do
            {
                piece = await socket.ReceiveAsync(buffer.AsMemory(), default);
                total += piece.Count;
            }
            while (!piece.EndOfMessage);
            await socket.SendAsync("received"u8.ToArray(), WebSocketMessageType.Text, true, default);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
            return true;
        };
        const long Size = 256L * 1024 * 1024;
        scene.Put("ws.py", Frames);
        SandboxNet.Put(scene);
        scene.Put("big.py", $$"""
            from ws import *
            s, first = upgrade("{{Scene.ApiHost}}")
            # A key of zeros: the payload is its own masked form.
            s.sendall(bytes([0x82, 0x80 | 127]) + struct.pack(">Q", {{Size}}) + bytes(4))
            block = bytes(1024 * 1024)
            for i in range({{Size}} // len(block)): s.sendall(block)
            print("sent", flush=True)
            input()
            got = b""
            while not [1 for o, p in frames(got) if o == 1]: got += s.recv(65536)
            print(frames(got)[0])
            """);
        await using var run = LiveRun.Start(scene.Home, "/usr/bin/python3 big.py");
        await run.UntilAsync("sent");
        var peak = run.PeakMemory();
        await run.SayAsync("");
        Assert.Contains("received", (await run.EndAsync()).Out, StringComparison.Ordinal);
        Assert.Equal(Size, total);
        Assert.True(peak < 128 * 1024, $"the supervisor held {peak} KiB");
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_51_bytes_behind_an_upgrade_or_a_tunnel_are_no_request_that_nobody_judged(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Upstream.Answer = context =>
        {
            // Over HTTP/2 a 200 would accept the WebSocket.
            if (context.Request.Path == "/declined") context.Response.StatusCode = 404;
            return Task.FromResult(context.Response.StatusCode == 404);
        };
        var smuggled = $"GET /smuggled HTTP/1.1\\r\\nHost: {Scene.ApiHost}\\r\\n\\r\\n";
        scene.Put("ws.py", Frames);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            from ws import *
            s, first = upgrade("{{Scene.ApiHost}}", behind=b"{{smuggled}}")
            print("upgraded", first.split()[1], closed_with(all(s)))
            s, first = upgrade("{{Scene.ApiHost}}", path="/declined", behind=b"GET /x HTTP/1.1\r\nHost: {{Scene.ForbiddenHost}}\r\nConnection: close\r\n\r\n")
            got = all(s)
            print("declined", first.split()[1], b" 421 " in got, b"hello" in got)
            s = dial(PROXY)
            print("tunnel", code(tell(s, b"CONNECT {{Scene.ApiHost}}:443 HTTP/1.1\r\nHost: {{Scene.ApiHost}}:443\r\n\r\n{{smuggled}}")))
            s = tls(dial(("{{Scene.ApiHost}}", 443)), "{{Scene.ApiHost}}")
            got = tell(s, b"GET /h2c HTTP/1.1\r\nHost: {{Scene.ApiHost}}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
            print("h2c", code(got), b"101" in got.split(b"\r\n")[0])
            s = tls(dial(("{{Scene.ApiHost}}", 443)), "{{Scene.ApiHost}}")
            print("post", code(tell(s, b"POST /post HTTP/1.1\r\nHost: {{Scene.ApiHost}}\r\nContent-Length: 0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")))
            """);
        Assert.Equal(["upgraded 101 1008", "declined 404 True False", "tunnel 200", "h2c 200 False", "post 400"], lines);
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target is "/smuggled" or "/x" or "/post");
        Assert.Empty(Assert.Single(scene.Upstream.Seen, seen => seen.Target == "/h2c").Header("Upgrade"));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_51_a_websocket_on_a_secret_host_goes_through_policy(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.EditConfig("rules:\n", $"rules:\n    - {Scene.ApiHost}:\n        - allow GET /ws\n");
        scene.Put("ws.py", Frames);
        var lines = await SandboxNet.RunAsync(scene, $$"""
            from ws import *
            for host, path in [("{{Scene.ApiHost}}", "/ws"), ("{{Scene.ApiHost}}", "/admin"), ("{{Scene.ApiHost}}", "/ws/../admin"), ("{{Scene.EchoHost}}", "/ws")]:
                print(path, upgrade(host, path)[1].split()[1])
            """);
        Assert.Equal(["/ws 101", "/admin 403", "/ws/../admin 403", "/ws 101"], lines);
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal("/ws", seen.Target));
        Assert.Equal([1, 0], scene.Upstream.Seen.Select(seen => seen.Header("Authorization").Length));
    }
}
