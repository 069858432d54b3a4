using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Moat.Audit;

namespace Moat.Gateway.Tests.WebSockets;

/// <summary>T-51 and T-52 through the whole gateway.</summary>
public sealed class WebSocketTests
{
    [Theory]
    [InlineData("1.1", HttpProtocols.Http1)]
    [InlineData("1.1", HttpProtocols.Http1AndHttp2)]
    [InlineData("2.0", HttpProtocols.Http1)]
    [InlineData("2.0", HttpProtocols.Http1AndHttp2)]
    public async Task T_52_a_reflected_secret_in_fragments_comes_back_masked_also_where_compression_was_offered(string version, HttpProtocols upstream)
    {
        await using var scene = await Scene.StartAsync(
            async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { DangerousEnableCompression = true });
                var secret = Encoding.ASCII.GetBytes(context.Request.Headers.Authorization.ToString());
                for (var i = 0; i < secret.Length; i++)
                    await socket.SendAsync(secret.AsMemory(i, 1), WebSocketMessageType.Text, i == secret.Length - 1, context.RequestAborted);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "said " + Encoding.ASCII.GetString(secret), context.RequestAborted);
            },
            new SceneOptions { UpstreamProtocols = upstream });
        using var handler = scene.Handler();
        using var invoker = new HttpMessageInvoker(handler);
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        socket.Options.DangerousDeflateOptions = new WebSocketDeflateOptions();
        using var expiry = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new Uri($"wss://{Scene.Api}/socket"), invoker, expiry.Token);
        var said = await MessageAsync(socket, expiry.Token);
        Assert.Equal("Bearer [moat:redacted]".PadRight("Bearer ".Length + scene.Secret.Length, '*'), said);
        Assert.False(scene.Upstream.Seen.Last().Headers.ContainsKey("Sec-WebSocket-Extensions"));
        await MessageAsync(socket, expiry.Token);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        Assert.DoesNotContain(scene.Secret, socket.CloseStatusDescription, StringComparison.Ordinal);

    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task T_35_a_placeholder_in_a_frame_stays_what_it_is(string version)
    {
        await using var scene = await Scene.StartAsync(EchoAsync);
        using var handler = scene.Handler();
        using var invoker = new HttpMessageInvoker(handler);
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var expiry = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new Uri($"wss://{Scene.Api}/socket"), invoker, expiry.Token);
        var placeholder = scene.Grants.Unlocked[0].Placeholder;
        await socket.SendAsync(Encoding.ASCII.GetBytes(placeholder), WebSocketMessageType.Text, true, expiry.Token);
        Assert.Equal(placeholder, await MessageAsync(socket, expiry.Token));
    }

    public static TheoryData<string, byte[]> BadFrames => new()
    {
        { "unmasked", WebSocketFrames.Make(1, "hello"u8, mask: false) },
        { "reserved bit, as of a compressed frame", WebSocketFrames.Make(1, Deflated("hello"), reserved: 4) },
        { "reserved opcode", WebSocketFrames.Make(5, "hello"u8) },
        { "long ping", WebSocketFrames.Make(9, new byte[126]) },
        { "fragmented close", WebSocketFrames.Make(8, [], final: false) },
        { "bad text", WebSocketFrames.Make(1, [0xFF]) },
        { "bad close code", WebSocketFrames.CloseFrame(1006, []) },
        { "length in too many bytes", WebSocketFrames.Make(1, "hello"u8, lengthBytes: 8) },
        { "negative length", WebSocketFrames.Make(2, [], lengthBytes: 8, length: -1) },
        { "a request", [.. "GET /smuggled HTTP/1.1\r\nHost: api.moat.test\r\n\r\n"u8] },
        { "a flood of pings", [.. Enumerable.Range(0, 2000).SelectMany(_ => WebSocketFrames.Make(9, []))] },
        { "a flood of empty fragments", [.. WebSocketFrames.Make(1, [], final: false), .. Enumerable.Range(0, 2000).SelectMany(_ => WebSocketFrames.Make(0, [], final: false))] },
        { "a flood of closes", [.. Enumerable.Range(0, 100).SelectMany(_ => WebSocketFrames.CloseFrame(1000, []))] },
    };

    [Theory]
    [MemberData(nameof(BadFrames))]
    public async Task T_52_a_clients_violation_closes_with_1008_ends_the_upstream_and_is_recorded_once(string name, byte[] bad)
    {
        var good = WebSocketFrames.Make(1, "good"u8);
        var arrived = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(async context =>
        {
            var stream = await WebSocketFrames.AcceptRawAsync(context);
            var first = new byte[good.Length];
            await stream.ReadExactlyAsync(first);
            arrived.SetResult(first);
            ended.SetResult(await ToEndAsync(stream));
        });
        using var client = await RawClient.ApiAsync(scene);
        Assert.StartsWith("HTTP/1.1 101 ", await WebSocketFrames.HandshakeAsync(client), StringComparison.Ordinal);
        await client.Stream.WriteAsync(good, client.Expiry);
        Assert.Equal(good, await arrived.Task.WaitAsync(client.Expiry));
        await client.Stream.WriteAsync(bad, client.Expiry);
        var answer = Encoding.Latin1.GetBytes(await client.ReadToEndAsync());
        Assert.Equal(1008, Assert.Single(WebSocketFrames.Parse(answer)).CloseCode);
        Assert.True((await ended.Task.WaitAsync(client.Expiry)).Length < bad.Length, name);
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target == "/smuggled");
        await AssertRecordedOnceAsync(scene);
    }

    [Fact]
    public async Task T_52_a_servers_violation_closes_with_1008_too()
    {
        var ended = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(async context =>
        {
            var stream = await WebSocketFrames.AcceptRawAsync(context);
            await stream.WriteAsync(WebSocketFrames.Make(1, "good"u8, mask: false));
            await stream.WriteAsync(WebSocketFrames.Make(1, "masked by a server"u8, mask: true));
            ended.SetResult(await ToEndAsync(stream));
        });
        using var client = await RawClient.ApiAsync(scene);
        await WebSocketFrames.HandshakeAsync(client);
        var frames = WebSocketFrames.Parse(Encoding.Latin1.GetBytes(await client.ReadToEndAsync()));
        Assert.Equal(["good", 1008], frames.Select(frame => frame.Opcode == 8 ? (object)frame.CloseCode : frame.Text));
        await ended.Task.WaitAsync(client.Expiry);
        await AssertRecordedOnceAsync(scene);
    }

    [Fact]
    public async Task T_52_an_extension_that_was_not_offered_ends_in_a_502()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            context.Response.Headers.SecWebSocketExtensions = "permessage-deflate";
            await WebSocketFrames.AcceptRawAsync(context);
        });
        using var client = await RawClient.TunnelAsync(scene, $"{Scene.Plain}:443", Scene.Plain);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: {Scene.Plain}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 502 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_52_another_WebSocket_goes_on()
    {
        await using var scene = await Scene.StartAsync(EchoAsync);
        using var handler = scene.Handler();
        using var invoker = new HttpMessageInvoker(handler);
        using var bystander = new ClientWebSocket();
        using var expiry = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await bystander.ConnectAsync(new Uri($"wss://{Scene.Api}/socket"), invoker, expiry.Token);
        using var client = await RawClient.ApiAsync(scene);
        await WebSocketFrames.HandshakeAsync(client);
        await client.Stream.WriteAsync(WebSocketFrames.Make(1, "x"u8, mask: false), client.Expiry);
        await client.ReadToEndAsync();
        await bystander.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, true, expiry.Token);
        Assert.Equal("still here", await MessageAsync(bystander, expiry.Token));
    }

    [Fact]
    public async Task T_52_a_client_that_does_not_read_its_close_is_cut_off()
    {
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(
            async context =>
            {
                var stream = await WebSocketFrames.AcceptRawAsync(context);
                var frame = WebSocketFrames.Make(2, new byte[64 * 1024], mask: false);
                try
                {
                    while (true)
                    {
                        var write = stream.WriteAsync(frame, context.RequestAborted).AsTask();
                        // Every buffer on the way is full when a write takes as long as this.
                        if (await Task.WhenAny(write, Task.Delay(TimeSpan.FromSeconds(2))) != write) stuck.TrySetResult();
                        await write;
                    }
                }
                catch (Exception e) when (e is IOException or OperationCanceledException)
                {
                    ended.SetResult();
                }
            },
            new SceneOptions { UpstreamProtocols = HttpProtocols.Http1 });
        using var client = await RawClient.ApiAsync(scene);
        await WebSocketFrames.HandshakeAsync(client);
        await stuck.Task.WaitAsync(client.Expiry);
        await client.Stream.WriteAsync(WebSocketFrames.Make(1, "x"u8, mask: false), client.Expiry);
        await ended.Task.WaitAsync(client.Expiry);
    }

    [Fact]
    public async Task T_51_a_WebSocket_is_asked_for_with_GET_alone()
    {
        await using var scene = await Scene.StartAsync(EchoAsync);
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: 0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http1AndHttp2)]
    public async Task T_51_what_is_pipelined_behind_a_refused_upgrade_is_a_request_like_any_other(HttpProtocols upstream)
    {
        await using var scene = await Scene.StartAsync(context =>
        {
            context.Response.StatusCode = 404;
            return context.Response.WriteAsync("no sockets here");
        }, new SceneOptions { UpstreamProtocols = upstream });
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync(
            $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            + $"GET /fronted HTTP/1.1\r\nHost: {Scene.Evil}\r\nConnection: close\r\n\r\n");
        Assert.Contains("no sockets here", answer, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 421 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target == "/fronted");
    }

    private static async Task AssertRecordedOnceAsync(Scene scene)
    {
        var records = await scene.RecordsAsync();
        var denial = Assert.Single(records, record => record.Type == AuditTypes.RequestDenied);
        Assert.Equal("WebSocket, RFC 6455", denial.Payload.GetProperty("rule").GetString());
        Assert.Equal(Scene.Api, denial.Payload.GetProperty("host").GetString());
        Assert.Single(records, record => record.Type == AuditTypes.RequestOutcome);
        Assert.Single(scene.Denials);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[1024];
        while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } message)
            await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
    }

    private static async Task<string> MessageAsync(ClientWebSocket socket, CancellationToken cancellation)
    {
        var (buffer, message) = (new byte[1024], new StringBuilder());
        while (true)
        {
            var piece = await socket.ReceiveAsync(buffer, cancellation);
            message.Append(Encoding.UTF8.GetString(buffer, 0, piece.Count));
            if (piece.EndOfMessage) return message.ToString();
        }
    }

    private static async Task<byte[]> ToEndAsync(Stream stream)
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Cut, as it should be.
        }
        return all.ToArray();
    }

    private static byte[] Deflated(string text)
    {
        using var output = new MemoryStream();
        using (var deflate = new DeflateStream(output, CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(Encoding.ASCII.GetBytes(text));
        return output.ToArray();
    }
}
