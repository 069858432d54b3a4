using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Moat.Audit;
using Moat.Gateway.Tests.Mcp;

namespace Moat.Gateway.Tests.Pipeline;

/// <summary>A policy that is replaced while things are under way holds for them as well.</summary>
public sealed class PolicyReplacementTests
{
    private const string All = """permit (principal, action, resource);""";
    private const string NotPlain = $$"""permit (principal, action, resource); forbid (principal, action == Action::"NetworkConnect", resource == Host::"{{Scene.Plain}}");""";
    private const string NotPost = """permit (principal, action, resource); forbid (principal, action == Action::"HttpRequest", resource) when { context.path == "/closed" };""";

    [Theory]
    [InlineData("1.1", NotPlain)]
    [InlineData("2.0", NotPlain)]
    [InlineData("1.1", NotPost)]
    [InlineData("2.0", NotPost)]
    public async Task A_stream_that_is_denied_now_ends_and_one_that_is_permitted_goes_on(string version, string policy)
    {
        var finish = new TaskCompletionSource();
        await using var scene = await Scene.StartAsync(async context =>
        {
            await context.Response.WriteAsync("first;");
            await context.Response.Body.FlushAsync();
            await finish.Task;
            await context.Response.WriteAsync("last");
        }, new SceneOptions { Policy = All });
        using var client = scene.Client(version: Version.Parse(version));
        using var denied = await client.GetAsync($"https://{Scene.Plain}/closed", HttpCompletionOption.ResponseHeadersRead);
        using var permitted = await client.GetAsync($"https://{Scene.Api}/open", HttpCompletionOption.ResponseHeadersRead);
        Assert.True(scene.Replace(policy) >= 1);
        await Assert.ThrowsAnyAsync<Exception>(() => denied.Content.ReadAsStringAsync());
        finish.SetResult();
        Assert.Equal("first;last", await permitted.Content.ReadAsStringAsync());
        using (var next = await client.GetAsync($"https://{Scene.Api}/closed"))
            Assert.Equal(policy == NotPost ? HttpStatusCode.Forbidden : HttpStatusCode.OK, next.StatusCode);
        Assert.Contains(scene.Denials, static d => d.Reason.Contains("replaced while this was under way", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_idle_tunnel_that_is_denied_now_is_closed(bool tls)
    {
        await using var scene = await Scene.StartAsync(static context => context.Response.WriteAsync("ok"), new SceneOptions { Policy = All });
        using var denied = await RawClient.TunnelAsync(scene, $"{Scene.Plain}:443", tls ? Scene.Plain : null);
        using var permitted = await RawClient.TunnelAsync(scene, $"{Scene.Api}:443", Scene.Api);
        Assert.Equal(1, scene.Replace(NotPlain));
        Assert.Equal("", await denied.ReadToEndAsync());
        await permitted.SendAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await permitted.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Single(await scene.RecordsAsync(), static r => r.Type == AuditTypes.ConnectDenied);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_WebSocket_that_is_denied_now_is_closed_with_1008(string version)
    {
        await using var scene = await Scene.StartAsync(
            static async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, context.RequestAborted);
                try
                {
                    await socket.ReceiveAsync(new byte[16], context.RequestAborted);
                }
                catch (Exception e) when (e is WebSocketException or OperationCanceledException)
                {
                    // Cut, as it should be.
                }
            },
            new SceneOptions { Policy = All });
        using var handler = scene.Handler();
        using var invoker = new HttpMessageInvoker(handler);
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var expiry = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new Uri($"wss://{Scene.Plain}/closed"), invoker, expiry.Token);
        Assert.Equal(5, (await socket.ReceiveAsync(new byte[16], expiry.Token)).Count);
        Assert.Equal(1, scene.Replace(NotPost));
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[16], expiry.Token)).MessageType);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, socket.CloseStatus);
        Assert.Single(scene.Denials);
    }

    [Fact]
    public async Task A_call_of_a_tool_that_is_denied_now_ends()
    {
        await using var scene = await Scene.StartAsync(static async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync(": working\n\n");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        }, new SceneOptions { Policy = $"permit (principal, action == Action::\"McpCall\", resource in MCP::Server::\"{Scene.Plain}\");" });
        using var client = scene.Client();
        using var call = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("search")), HttpCompletionOption.ResponseHeadersRead);
        using var other = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("other")), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(1, scene.Replace($"permit (principal, action == Action::\"McpCall\", resource == MCP::Tool::\"other\") when {{ resource in MCP::Server::\"{Scene.Plain}\" }};"));
        await Assert.ThrowsAnyAsync<Exception>(() => call.Content.ReadAsStringAsync());
        var stream = await other.Content.ReadAsStreamAsync();
        Assert.NotEqual(0, await stream.ReadAsync(new byte[64]));
    }

    [Fact]
    public async Task No_request_slips_between_two_policies()
    {
        await using var scene = await Scene.StartAsync(static context => context.Response.WriteAsync("ok"), new SceneOptions { Policy = All });
        using var client = scene.Client(version: HttpVersion.Version20);
        for (var round = 0; round < 20; round++)
        {
            scene.Replace(All);
            var replaced = 0;
            var requests = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (Volatile.Read(ref replaced) == 0)
                {
                    try
                    {
                        using var answer = await client.GetAsync($"https://{Scene.Api}/closed");
                    }
                    catch (HttpRequestException)
                    {
                        // Ended while it was under way.
                    }
                }
                using var after = await client.GetAsync($"https://{Scene.Api}/closed");
                Assert.Equal(HttpStatusCode.Forbidden, after.StatusCode);
            })).ToArray();
            scene.Replace(NotPost);
            Volatile.Write(ref replaced, 1);
            await Task.WhenAll(requests);
        }
    }
}
