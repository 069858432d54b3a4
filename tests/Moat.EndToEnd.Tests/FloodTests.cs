using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4d, T-53 and T-54: whoever floods the gateway ends his own connection; others go on, and memory stays bounded.</summary>
public class FloodTests
{
    /// <summary>KiB that the supervisor may hold at its peak in any of these.</summary>
    private const long MemoryLimit = 192 * 1024;

    public static TheoryData<string> Users() => Binary.Users();

    private const string H2 = """
        from net import *
        def field(name, value):
            return b"\x00" + bytes([len(name)]) + name + (bytes([len(value)]) if len(value) < 127 else b"\x7f" + varint(len(value) - 127)) + value
        def varint(n):
            out = b""
            while n >= 128: out, n = out + bytes([n & 127 | 128]), n >> 7
            return out + bytes([n])
        def frame(type, flags, stream, body=b""):
            return struct.pack(">I", len(body))[1:] + bytes([type, flags]) + struct.pack(">I", stream) + body
        def start(host):
            t = tls(dial((host, 443)), host, ["h2"])
            t.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
            t.settimeout(20)
            return t
        def fields(host, path=b"/"):
            return field(b":method", b"GET") + field(b":scheme", b"https") + field(b":authority", host.encode()) + field(b":path", path)
        # The next frame of this stream, or how the connection ended.
        def outcome(t, stream):
            f = t.makefile("rb")
            try:
                while True:
                    head = f.read(9)
                    if len(head) < 9: return "closed"
                    payload = f.read(int.from_bytes(head[:3], "big"))
                    if head[3] == 7: return "goaway"
                    if int.from_bytes(head[5:9], "big") == stream and head[3] in (1, 3): return {1: "headers", 3: "reset"}[head[3]]
            except OSError:
                return "closed"
        """;

    [Theory, MemberData(nameof(Users))]
    public async Task T_53_an_http2_flood_ends_its_connection_and_no_other(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Put("h2.py", H2);
        SandboxNet.Put(scene);
        scene.Put("flood.py", $$"""
            from h2 import *
            host = "{{Scene.ApiHost}}"
            head = fields(host)
            def resets(t):
                for i in range(20000): t.sendall(frame(1, 5, 2 * i + 1, head) + frame(3, 0, 2 * i + 1, b"\0\0\0\x08"))
            def continuation(t):
                t.sendall(frame(1, 1, 1, head))
                for i in range(2000): t.sendall(frame(9, 0, 1, field(b"x-filler", b"a" * 1000)))
            def empty_continuation(t):
                t.sendall(frame(1, 1, 1, head))
                for i in range(200000): t.sendall(frame(9, 0, 1))
            def bomb(t):
                t.sendall(frame(1, 5, 1, head + b"\x40\x01x\x7f" + varint(4000 - 127) + b"a" * 4000 + b"\xbe" * 10000))
            def settings(t):
                for i in range(200000): t.sendall(frame(4, 0, 0, b"\0\x04\0\0\xff\xff"))
            def pings(t):
                for i in range(200000): t.sendall(frame(6, 0, 0, bytes(8)))
            def names(t):
                t.sendall(frame(1, 4, 1, head + b"".join(field(b"x-%d" % i, b"b") for i in range(1500))))
            def window(t):
                t.sendall(frame(8, 0, 0, b"\x7f\xff\xff\xff") * 2)
            by = start(host)
            for n, flood in enumerate([resets, continuation, empty_continuation, bomb, settings, pings, names, window]):
                t = start(host)
                try:
                    flood(t)
                except OSError:
                    pass
                # Answers that nobody reads hold up their sender; the kernel's buffers are all that they fill.
                end = outcome(t, 0) if flood not in (settings, pings) else "held up"
                t.close()
                by.sendall(frame(1, 5, 2 * n + 1, head))
                print(flood.__name__, end, outcome(by, 2 * n + 1), flush=True)
            print("done", flush=True)
            input()
            """);
        await using var run = LiveRun.Start(scene.Home, "/usr/bin/python3 flood.py");
        await run.UntilAsync("done");
        var peak = run.PeakMemory();
        await run.SayAsync("");
        var lines = (await run.EndAsync()).Out.TrimEnd().Split('\n')[..^1];
        Assert.Equal(8, lines.Length);
        Assert.All(lines, line => Assert.Matches("^[a-z_]+ (goaway|closed|held up) headers$", line));
        Assert.True(peak < MemoryLimit, $"the supervisor held {peak} KiB");
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_54_a_decompression_bomb_and_an_endless_stream_take_bounded_memory(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var zeros = new byte[1024 * 1024];
            for (var i = 0; i < 512; i++) gzip.Write(zeros);
        }

        var bomb = packed.ToArray();
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        scene.Upstream.Answer = async context =>
        {
            if (context.Request.Path == "/bomb")
            {
                context.Response.Headers.ContentEncoding = "gzip";
                await context.Response.Body.WriteAsync(bomb);
            }
            else if (context.Request.Path == "/events")
            {
                context.Response.ContentType = "text/event-stream";
                try
                {
                    for (long i = 0; ; i++) await context.Response.WriteAsync($"data: {i}\n\n", context.RequestAborted);
                }
                catch (OperationCanceledException)
                {
                    left.SetResult();
                }
            }

            return true;
        };
        await using var run = LiveRun.Start(scene.Home, $$"""
            curl -sS --compressed https://{{Scene.ApiHost}}/bomb | wc -c
            curl -sSN https://{{Scene.ApiHost}}/events | head -c 50000000 | tail -c +1 | wc -c
            echo done; read line
            """);
        await run.UntilAsync("done");
        var peak = run.PeakMemory();
        await left.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await run.SayAsync("");
        var result = await run.EndAsync();
        Assert.StartsWith("536870912\n50000000\n", result.Out, StringComparison.Ordinal);
        Assert.True(peak < MemoryLimit, $"the supervisor held {peak} KiB");
    }

    // Once, for it takes as long as the gateway is patient.
    [Fact]
    public async Task T_54_a_hundred_thousand_headers_and_a_slow_request_are_cut_and_others_go_on()
    {
        await using var scene = await Scene.StartAsync(Binary.IsRoot ? "ordinary" : "self");
        SandboxNet.Put(scene);
        scene.Put("slow.py", $$"""
            from net import *
            import threading, time
            host = "{{Scene.ApiHost}}"
            many = b"".join(b"X-%d: a\r\n" % i for i in range(100000))
            print("headers", code(tell(tls(dial((host, 443)), host), b"GET /many HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + many + b"\r\n")))
            print("line", code(tell(tls(dial((host, 443)), host), b"GET /" + b"a" * 10000000 + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n\r\n")))
            print("connect", code(tell(dial(PROXY), b"CONNECT " + b"a" * 1000000)))
            # A byte a second, never a whole request: on each door.
            def drip(s, data):
                s.settimeout(90)
                began = time.time()
                def feed():
                    for i in range(120):
                        try:
                            s.sendall(data[i % len(data):][:1])
                        except OSError:
                            return
                        time.sleep(1)
                threading.Thread(target=feed, daemon=True).start()
                got = all(s)
                return "cut" if b"STILL OPEN" not in got and time.time() - began < 80 else "open"
            ends = []
            doors = [lambda: (tls(dial((host, 443)), host), b"G" * 200), lambda: (dial((host, 80)), b"G" * 200), lambda: (dial(PROXY), b"CONNECT " + b"a" * 200), lambda: (dial((host, 443)), b"\x16" + b"\x03\x01" * 100)]
            threads = [threading.Thread(target=lambda d=d: ends.append(drip(*d()))) for d in doors for _ in range(20)]
            for t in threads: t.start()
            t = tls(dial((host, 443)), host)
            print("meanwhile", code(tell(t, b"GET /whoami HTTP/1.1\r\nHost: " + host.encode() + b"\r\nConnection: close\r\n\r\n")))
            for t in threads: t.join()
            print("slow", sorted(set(ends)), len(ends))
            print("done", flush=True)
            input()
            """);
        await using var run = LiveRun.Start(scene.Home, "/usr/bin/python3 slow.py");
        await run.UntilAsync("done");
        var peak = run.PeakMemory();
        await run.SayAsync("");
        var lines = (await run.EndAsync()).Out.Split('\n');
        Assert.Matches("^headers (431|400|closed)$", lines[0]);
        Assert.Matches("^line (414|400|closed)$", lines[1]);
        Assert.Matches("^connect (400|closed)$", lines[2]);
        Assert.Equal(["meanwhile 200", "slow ['cut'] 80"], lines[3..5]);
        Assert.Equal("/whoami", Assert.Single(scene.Upstream.Seen).Target);
        Assert.True(peak < MemoryLimit, $"the supervisor held {peak} KiB");
    }
}
