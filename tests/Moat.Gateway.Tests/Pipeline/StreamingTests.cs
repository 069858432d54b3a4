using System.Collections.Immutable;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Moat.Gateway.Tests;

/// <summary>Nothing is held back, and nothing grows with a body.</summary>
public sealed class StreamingTests
{
    private static readonly Uri s_api = new($"https://{Scene.Api}/");

    [Theory]
    [InlineData("1.1", HttpProtocols.Http1)]
    [InlineData("1.1", HttpProtocols.Http2)]
    [InlineData("2.0", HttpProtocols.Http1)]
    [InlineData("2.0", HttpProtocols.Http2)]
    public async Task The_first_event_of_a_stream_arrives_before_the_second_is_made(string version, HttpProtocols upstream)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(
            async context =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("data: 1\n\n");
                await context.Response.Body.FlushAsync();
                await release.Task;
                await context.Response.WriteAsync("data: 2\n\n");
            },
            new SceneOptions { UpstreamProtocols = upstream });
        using var client = scene.Client(version: Version.Parse(version));
        using var response = await client.GetAsync(s_api, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("data: 1", await reader.ReadLineAsync());
        release.SetResult();
        Assert.Equal("\ndata: 2\n\n", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task The_head_of_a_response_arrives_before_its_body_is_made()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(async context =>
        {
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            await release.Task;
            await context.Response.WriteAsync("late");
        });
        using var client = scene.Client();
        using var response = await client.GetAsync(s_api, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        release.SetResult();
        Assert.Equal("late", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_hundred_megabytes_pass_both_ways_unchanged_and_counted(string version)
    {
        const int size = 100 * 1024 * 1024;
        await using var scene = await Scene.StartAsync(async context =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[64 * 1024];
            int count;
            while ((count = await context.Request.Body.ReadAsync(buffer)) > 0)
                hash.AppendData(buffer.AsSpan(0, count));
            context.Response.Headers["X-Sum"] = Convert.ToHexString(hash.GetHashAndReset());
            for (long sent = 0; sent < size; sent += buffer.Length)
                await context.Response.Body.WriteAsync(buffer);
        });
        using var client = scene.Client(version: Version.Parse(version));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var body = new PatternStream(size);
        using var request = new HttpRequestMessage(HttpMethod.Post, s_api) { Version = Version.Parse(version), Content = new StreamContent(body) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(Convert.ToHexString(body.Sum()), Assert.Single(response.Headers.GetValues("X-Sum")));
        long received = 0;
        var peak = 0L;
        await using (var stream = await response.Content.ReadAsStreamAsync())
        {
            var buffer = new byte[64 * 1024];
            int count;
            while ((count = await stream.ReadAsync(buffer)) > 0)
            {
                received += count;
                if (received % (16 * 1024 * 1024) < count)
                    peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
            }
        }
        Assert.Equal(size, received);
        // All three processes are this one; a buffered body would show as a hundred megabytes.
        Assert.True(peak - before < 32 * 1024 * 1024, $"{peak - before} bytes more");
        Assert.Contains($"\"bytes_in\":{size},\"bytes_out\":{size}", await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1, "1.1")]
    [InlineData(HttpProtocols.Http1AndHttp2, "1.1")]
    [InlineData(HttpProtocols.Http1, "2.0")]
    [InlineData(HttpProtocols.Http1AndHttp2, "2.0")]
    public async Task T_51_a_WebSocket_passes_and_is_decided_like_a_request(HttpProtocols upstream, string version)
    {
        await using var scene = await Scene.StartAsync(
            async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[1024];
                while (true)
                {
                    var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
                    if (message.MessageType == WebSocketMessageType.Close)
                    {
                        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", context.RequestAborted);
                        return;
                    }
                    await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
                }
            },
            new SceneOptions { UpstreamProtocols = upstream });
        using var handler = scene.Handler();
        using var invoker = new HttpMessageInvoker(handler);
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var expiry = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new Uri($"wss://{Scene.Api}/socket"), invoker, expiry.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes("ping"), WebSocketMessageType.Text, true, expiry.Token);
        var received = new byte[16];
        var answer = await socket.ReceiveAsync(received, expiry.Token);
        Assert.Equal("ping", Encoding.ASCII.GetString(received, 0, answer.Count));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", expiry.Token);
        Assert.Equal($"Bearer {scene.Secret}", scene.Upstream.Seen.Last().Headers["Authorization"]);

        using var denied = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => denied.ConnectAsync(new Uri($"wss://{Scene.Evil}/socket"), invoker, expiry.Token));
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Host == Scene.Evil);
    }

    [Fact]
    public async Task T_53_a_call_with_trailers_only_and_one_with_a_duplex_body_pass()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            context.Response.ContentType = "application/grpc";
            if (context.Request.Path == "/fail")
            {
                // Trailers-only: status in the head, the stream ends there.
                context.Response.Headers["grpc-status"] = "7";
                return;
            }
            context.Response.DeclareTrailer("grpc-status");
            var buffer = new byte[16];
            int count;
            while ((count = await context.Request.Body.ReadAsync(buffer)) > 0)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count));
                await context.Response.Body.FlushAsync();
            }
            context.Response.AppendTrailer("grpc-status", "0");
        });
        using var client = scene.Client(version: HttpVersion.Version20);
        using var failed = await client.SendAsync(Grpc("/fail", new ByteArrayContent([])));
        Assert.Equal("", await failed.Content.ReadAsStringAsync());
        Assert.Equal("7", Assert.Single(failed.Headers.GetValues("grpc-status")));

        var duplex = new DuplexContent();
        var sending = client.SendAsync(Grpc("/echo", duplex), HttpCompletionOption.ResponseHeadersRead);
        await duplex.WriteAsync("one!"u8.ToArray());
        using var response = await sending;
        var stream = await response.Content.ReadAsStreamAsync();
        var one = new byte[4];
        await stream.ReadExactlyAsync(one);
        Assert.Equal("one!", Encoding.ASCII.GetString(one));
        await duplex.WriteAsync("two!"u8.ToArray());
        await stream.ReadExactlyAsync(one);
        Assert.Equal("two!", Encoding.ASCII.GetString(one));
        duplex.Complete();
        Assert.Equal(0, await stream.ReadAsync(one));
        Assert.Equal("0", Assert.Single(response.TrailingHeaders.GetValues("grpc-status")));
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal("trailers", seen.Headers["TE"]));
    }

    private static HttpRequestMessage Grpc(string path, HttpContent content)
    {
        content.Headers.ContentType = new("application/grpc");
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(s_api, path)) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content };
        request.Headers.TE.ParseAdd("trailers");
        return request;
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_the_upstream_request_and_leaves_an_outcome()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            await context.Response.WriteAsync("begun");
            await context.Response.Body.FlushAsync();
            started.SetResult();
            await aborted.Task;
        });
        using (var client = scene.Client())
        {
            using var response = await client.GetAsync(s_api, HttpCompletionOption.ResponseHeadersRead);
            await started.Task;
        }
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await scene.StopGatewayAsync();
        var records = await scene.RecordsAsync();
        Assert.Single(records, record => record.Type == "request.intent");
        Assert.Single(records, record => record.Type == "request.outcome");
        Assert.Contains("\"error\":", await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_under_way_when_the_gateway_stops_leaves_an_outcome()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var scene = await Scene.StartAsync(async context =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var client = scene.Client();
        var request = client.GetAsync(s_api);
        await begun.Task;
        await scene.StopGatewayAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => request);
        Assert.Single(await scene.RecordsAsync(), record => record.Type == "request.outcome");
    }

    [Fact]
    public async Task An_unreachable_upstream_is_named_with_the_reason()
    {
        using var unused = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var scene = await Scene.StartAsync(
            context => Task.CompletedTask,
            new SceneOptions { Resolve = new Dictionary<string, string> { [Scene.Api] = $"127.0.0.1:{((IPEndPoint)unused.LocalEndPoint!).Port}" }.ToImmutableSortedDictionary() });
        using var client = scene.Client();
        using var response = await client.GetAsync(s_api);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.False(response.Headers.Contains("X-Moat-Blocked"));
        Assert.Contains("refused the connection", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(scene.Denials);
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_stops_every_request()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("reached"));
        using var client = scene.Client();
        await scene.Audit.SealAsync("run.sealed", Moat.Audit.AuditPayload.Create());
        using var response = await client.GetAsync(s_api);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Empty(scene.Upstream.Seen);
    }
}
