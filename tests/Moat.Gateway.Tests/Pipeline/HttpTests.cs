using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Moat.Gateway.Tests;

/// <summary>HTTP as clients are used to it, seen from both sides of the gateway.</summary>
public sealed class HttpTests
{
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
