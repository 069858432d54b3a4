using System.Globalization;
using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4c: an allowed host says the credential back, on purpose or not.</summary>
public class ReflectionTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_31_the_secret_comes_back_in_no_coding_of_the_body(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var spellings = Spellings(scene.Secret);
        scene.Upstream.Answer = async context =>
        {
            var body = spellings[context.Request.Path.Value![1..]];
            context.Response.ContentType = context.Request.Query["type"];
            if (context.Request.Query["split"] == "yes")
            {
                for (var i = 0; i < body.Length; i++)
                {
                    await context.Response.Body.WriteAsync(body.AsMemory(i, 1));
                    await context.Response.Body.FlushAsync();
                }
            }
            else
            {
                await context.Response.Body.WriteAsync(body);
            }

            return true;
        };
        var script = string.Join('\n', spellings.Keys.SelectMany(s => (string[])[
            $"curl -sS -o got-{s} https://{Scene.ApiHost}/{s}?type=text/plain", $"curl -sS -o split-{s} 'https://{Scene.ApiHost}/{s}?split=yes&type=application/octet-stream'",
            $"curl -sS --http1.1 -o sse-{s} 'https://{Scene.ApiHost}/{s}?split=yes&type=text/event-stream'"]));
        var result = await scene.Home.ScriptAsync(script);
        Assert.True(result.ExitCode == 0, result.ToString());
        var back = new List<string>();
        foreach (var (spelling, bytes) in spellings)
        {
            foreach (var way in (string[])["got", "split", "sse"])
            {
                var got = await File.ReadAllBytesAsync(Path.Combine(scene.Home.Workspace, $"{way}-{spelling}"), TestContext.Current.CancellationToken);
                Assert.StartsWith("before ", Encoding.UTF8.GetString(got), StringComparison.Ordinal);
                Assert.EndsWith(" after", Encoding.UTF8.GetString(got), StringComparison.Ordinal);
                if (got.AsSpan().IndexOf(bytes.AsSpan(7, bytes.Length - 13)) >= 0) back.Add($"{spelling} came back ({way})");
                scene.AssertNoSecretIn($"{way}-{spelling}", got);
            }
        }

        Assert.Empty(back);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_31_the_secret_comes_back_under_no_compression(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Upstream.Answer = async context =>
        {
            var coding = context.Request.Path.Value![1..];
            context.Response.Headers.ContentEncoding = coding == "twice" ? "gzip, gzip" : coding;
            var text = Encoding.UTF8.GetBytes(new string('x', 5000) + " you sent " + context.Request.Headers.Authorization + " after");
            Stream to = context.Response.Body;
            await using Stream outer = coding switch
            {
                "gzip" => new GZipStream(to, CompressionLevel.Optimal),
                "deflate" => new ZLibStream(to, CompressionLevel.Optimal),
                "br" => new BrotliStream(to, CompressionLevel.Fastest),
                _ => new GZipStream(new GZipStream(to, CompressionLevel.Fastest), CompressionLevel.Fastest),
            };
            await outer.WriteAsync(text);
            return true;
        };
        var result = await scene.Home.ScriptAsync($"""
            for c in gzip deflate br twice; do
                curl -sS -D head-$c -o raw-$c -H 'Accept-Encoding: gzip, deflate, br, zstd' https://{Scene.ApiHost}/$c
                curl -sS -o plain-$c --compressed https://{Scene.ApiHost}/$c
            done
            exit 0
            """);
        Assert.Equal(8, scene.Upstream.Seen.Count);
        foreach (var coding in (string[])["gzip", "deflate", "br", "twice"])
        {
            var raw = await File.ReadAllBytesAsync(Path.Combine(scene.Home.Workspace, "raw-" + coding), TestContext.Current.CancellationToken);
            foreach (var reading in Readings(raw)) scene.AssertNoSecretIn("raw-" + coding, reading);
            var plain = Path.Combine(scene.Home.Workspace, "plain-" + coding);
            if (File.Exists(plain)) scene.AssertNoSecretIn("plain-" + coding, await File.ReadAllBytesAsync(plain, TestContext.Current.CancellationToken));
            // Refusing what it cannot look into is right for a coding of codings, not for the usual ones.
            if (coding != "twice") Assert.EndsWith(" after", await File.ReadAllTextAsync(plain, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        scene.AssertNoSecretIn("the output", result.Out + result.Err);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_31_errors_trace_trailers_and_websocket_frames_do_not_hand_it_back_either(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Upstream.Answer = async context =>
        {
            var authorization = context.Request.Headers.Authorization.ToString();
            if (context.WebSockets.IsWebSocketRequest)
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                await socket.SendAsync(Encoding.UTF8.GetBytes("frame " + authorization), WebSocketMessageType.Text, true, default);
                var half = authorization.Length / 2;
                await socket.SendAsync(Encoding.UTF8.GetBytes("part " + authorization[..half]), WebSocketMessageType.Text, false, default);
                await socket.SendAsync(Encoding.UTF8.GetBytes(authorization[half..]), WebSocketMessageType.Text, true, default);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
                return true;
            }

            context.Response.StatusCode = context.Request.Path == "/500" ? 500 : 200;
            if (context.Response.SupportsTrailers())
            {
                context.Response.DeclareTrailer("x-echo");
                context.Response.AppendTrailer("x-echo", authorization);
            }

            await context.Response.WriteAsync($"{context.Request.Method} {authorization} end\n");
            return true;
        };
        scene.Put("echo.py", $$"""
            import base64, os, socket, ssl
            s = ssl.create_default_context().wrap_socket(socket.create_connection(("{{Scene.ApiHost}}", 443)), server_hostname="{{Scene.ApiHost}}")
            s.sendall(f"GET /ws HTTP/1.1\r\nHost: {{Scene.ApiHost}}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
            got = b""
            while True:
                part = s.recv(4096)
                if not part or b"\x88" in part:
                    got += part
                    break
                got += part
            open("frames", "wb").write(got)
            """);
        var result = await scene.Home.ScriptAsync($"""
            curl -sS -i https://{Scene.ApiHost}/500
            curl -sS -i -X TRACE https://{Scene.ApiHost}/
            curl -sS -i --http1.1 https://{Scene.ApiHost}/trailers
            node -e "const c = require('http2').connect('https://{Scene.ApiHost}'); const r = c.request(); r.on('trailers', t => console.log('trailers', JSON.stringify(t))); r.on('end', () => c.close()); r.resume()"
            /usr/bin/python3 echo.py
            """);
        Assert.Contains("GET ", result.Out, StringComparison.Ordinal);
        Assert.Contains("trailers {", result.Out, StringComparison.Ordinal);
        scene.AssertNoSecretIn("the answers", result.Out + result.Err);
        var frames = await File.ReadAllBytesAsync(Path.Combine(scene.Home.Workspace, "frames"), TestContext.Current.CancellationToken);
        scene.AssertNoSecretIn("the frames", frames);
        // A message cut in two by the upstream: the halves stand in frames of their own.
        Assert.True(frames.AsSpan().IndexOf(Encoding.UTF8.GetBytes(scene.Secret[..(scene.Secret.Length / 2)])) < 0 || frames.AsSpan().IndexOf("part "u8) < 0, "a split message came back");
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_33_no_response_header_hands_it_back(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        string[] names = ["Location", "Set-Cookie", "WWW-Authenticate", "Link", "Refresh", "ETag", "Content-Disposition", "X-Request-Id", "Server", "Access-Control-Allow-Origin", "Content-Type", "Vary"];
        var spellings = Spellings(scene.Secret).Where(s => s.Value.All(b => b is >= 32 and < 127)).ToArray();
        scene.Upstream.Answer = context =>
        {
            foreach (var name in names)
                context.Response.Headers[name] = spellings.Select(s => $"https://x.test/?a=1&t={Encoding.ASCII.GetString(s.Value)};b").ToArray();
            context.Response.Headers["X-" + scene.Secret] = "in the name";
            context.Response.StatusCode = 401;
            return Task.FromResult(true);
        };
        var result = await scene.Home.ScriptAsync($"curl -sS -i https://{Scene.ApiHost}/; curl -sS -i --http1.1 https://{Scene.ApiHost}/");
        Assert.Equal(2, scene.Upstream.Seen.Count);
        Assert.Contains("401", result.Out, StringComparison.Ordinal);
        scene.AssertNoSecretIn("the headers", result.Out.ToLowerInvariant());
        Assert.Empty(spellings.Where(s => result.Out.Contains(Encoding.ASCII.GetString(s.Value[7..^6]), StringComparison.OrdinalIgnoreCase)).Select(s => s.Key));
    }

    /// <summary>The spellings that a server's error page or log line gives a token, each between two words.</summary>
    private static Dictionary<string, byte[]> Spellings(string secret)
    {
        var raw = Encoding.UTF8.GetBytes(secret);
        var forms = new Dictionary<string, byte[]>
        {
            ["raw"] = raw,
            ["hex"] = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(raw)),
            ["HEX"] = Encoding.ASCII.GetBytes(Convert.ToHexString(raw)),
            ["percent"] = Encoding.ASCII.GetBytes(string.Concat(raw.Select(b => "%" + b.ToString("x2", CultureInfo.InvariantCulture)))),
            ["PERCENT"] = Encoding.ASCII.GetBytes(string.Concat(raw.Select(b => "%" + b.ToString("X2", CultureInfo.InvariantCulture)))),
            ["json"] = Encoding.ASCII.GetBytes(string.Concat(secret.Select(c => $"\\u{(int)c:x4}"))),
            ["utf16le"] = Encoding.Unicode.GetBytes(secret),
            ["utf16be"] = Encoding.BigEndianUnicode.GetBytes(secret),
            ["basic"] = Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes("user:" + secret))),
        };
        for (var shift = 0; shift < 3; shift++) forms["base64-" + shift] = Encoding.ASCII.GetBytes(Convert.ToBase64String([.. new byte[shift], .. raw]));
        return forms.ToDictionary(f => f.Key, f => (byte[])[.. "before "u8, .. f.Value, .. " after"u8]);
    }

    /// <summary>What bytes say, also to one who unpacks them.</summary>
    private static IEnumerable<byte[]> Readings(byte[] bytes)
    {
        yield return bytes;
        foreach (var open in (Func<Stream, Stream>[])[s => new GZipStream(s, CompressionMode.Decompress), s => new ZLibStream(s, CompressionMode.Decompress), s => new BrotliStream(s, CompressionMode.Decompress),
            s => new GZipStream(new GZipStream(s, CompressionMode.Decompress), CompressionMode.Decompress)])
        {
            using var got = new MemoryStream();
            try
            {
                using var unpacked = open(new MemoryStream(bytes));
                unpacked.CopyTo(got);
            }
            catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
            {
                // Not of this coding.
            }

            yield return got.ToArray();
        }
    }
}
