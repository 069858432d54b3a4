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
    public async Task T_56_a_client_that_expects_100_continue_gets_it_from_the_upstream()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync(await reader.ReadToEndAsync());
        });
        using var client = await RawClient.ApiAsync(scene);
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Contains("\r\nbody\r\n", await client.ExchangeAsync("body"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_56_a_client_that_expects_100_continue_is_spared_the_body_of_a_denied_request()
    {
        await using var scene = await Scene.StartAsync(context => Task.CompletedTask);
        using var client = await RawClient.ConnectAsync(scene.Https);
        await client.TlsAsync(scene, Scene.Evil);
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: {Scene.Evil}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 403 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_56_HTTP_1_0_is_served()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("old"));
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync("GET / HTTP/1.0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.EndsWith("old", answer, StringComparison.Ordinal);
        Assert.Equal(Scene.Api, Assert.Single(scene.Upstream.Seen).Host);
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync(context.Request.Path + ";"));
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        // The first bytes of TLS travel in the same packet as the CONNECT; that is the client's good right.
        await client.SendAsync($"CONNECT {Scene.Api}:443 HTTP/1.1\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        await client.TlsAsync(scene, Scene.Api);
        var answer = await client.ExchangeAsync(string.Concat(Enumerable.Range(0, 5).Select(i => $"GET /{i} HTTP/1.1\r\nHost: {Scene.Api}\r\n{(i == 4 ? "Connection: close\r\n" : "")}\r\n")));
        Assert.Equal(["/0;", "/1;", "/2;", "/3;", "/4;"], System.Text.RegularExpressions.Regex.Matches(answer, "/[0-9];").Select(match => match.Value));
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

    [Fact]
    public async Task The_target_goes_out_byte_for_byte()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("ok"));
        using var client = await RawClient.ApiAsync(scene);
        const string target = "/a%20b/%C3%A9/%7Etilde?x=%2e%2e/%2F&y=a+b|c^d`e{f}";
        await client.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.Equal(target, Assert.Single(scene.Upstream.Seen).Target);
    }

    [Fact]
    public async Task Hop_by_hop_fields_end_here_and_nothing_betrays_a_proxy()
    {
        await using var scene = await Scene.StartAsync(
            context =>
            {
                context.Response.Headers["Keep-Alive"] = "timeout=5";
                context.Response.Headers["Alt-Svc"] = "h3=\":443\"";
                context.Response.Headers["X-Kept"] = "yes";
                return context.Response.WriteAsync("ok");
            },
            new SceneOptions { UpstreamProtocols = HttpProtocols.Http1 });
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync(
            $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close, X-Hop, Upgrade, HTTP2-Settings\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nX-End: 1\r\n\r\n");
        Assert.Contains("X-Kept: yes", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Keep-Alive", answer, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Alt-Svc", answer, StringComparison.OrdinalIgnoreCase);
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal(["Authorization", "Host", "X-End"], seen.Headers.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_content_type_without_a_body_arrives(string method)
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("ok"));
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"{method} / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Type: text/x-one\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Equal("text/x-one", Assert.Single(scene.Upstream.Seen).Headers["Content-Type"]);
    }
}
