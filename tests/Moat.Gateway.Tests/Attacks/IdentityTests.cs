using System.Net;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

/// <summary>Host and destination confusion (attacks 4a).</summary>
public sealed class IdentityTests
{
    private static Task<Scene> StartAsync() => Scene.StartAsync(context => context.Response.WriteAsync("reached"));

    [Theory]
    [InlineData(Scene.Evil)]
    [InlineData(Scene.Plain)]
    [InlineData("api.moat.test.evil.moat.test")]
    public async Task T_01_the_server_name_must_be_the_CONNECT_target(string serverName)
    {
        await using var scene = await StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var client = await RawClient.TunnelAsync(scene, $"{Scene.Api}:443", serverName);
            await client.SendAsync("GET / HTTP/1.1\r\n\r\n");
        });
        var denied = Assert.Single(await scene.RecordsAsync(), record => record.Type == "connect.denied");
        Assert.Equal("identity", Assert.Single(scene.Denials).Kind);
        Assert.NotNull(denied);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_02_domain_fronting_is_misdirected(bool proxy)
    {
        await using var scene = await StartAsync();
        using var client = scene.Client(proxy);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Scene.Plain}/"));
        request.Headers.Host = Scene.Api;
        // The client's TLS name follows its Host header, so the fronted form is built by hand.
        using var raw = proxy ? await RawClient.TunnelAsync(scene, $"{Scene.Plain}:443", Scene.Plain) : await RawClient.ConnectAsync(scene.Https);
        if (!proxy)
            await raw.TlsAsync(scene, Scene.Plain);
        var answer = await raw.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 421 ", answer, StringComparison.Ordinal);
        Assert.Contains("X-Moat-Blocked: identity", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
        Assert.Contains(await scene.RecordsAsync(), record => record.Type == "request.denied");
    }

    [Fact]
    public async Task T_02_a_Host_with_another_port_is_misdirected()
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}:8443\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 421 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_02_a_Host_in_another_spelling_is_the_same_host()
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: API.Moat.Test.:443\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Equal(Scene.Api, Assert.Single(scene.Upstream.Seen).Host);
    }

    [Fact]
    public async Task T_04_each_stream_of_a_connection_is_identified_by_itself()
    {
        await using var scene = await StartAsync();
        using var client = scene.Client(version: HttpVersion.Version20);
        Assert.Equal("reached", await client.GetStringAsync(new Uri($"https://{Scene.Api}/")));
        // The same connection, another authority: HttpClient pools by URI host, so the Host header names the other one.
        using var raw = await Http2Client.ConnectAsync(scene, Scene.Api);
        Assert.Equal("200", await raw.StatusOfAsync((":method", "GET"), (":scheme", "https"), (":authority", Scene.Api), (":path", "/")));
        Assert.Equal("421", await raw.StatusOfAsync((":method", "GET"), (":scheme", "https"), (":authority", Scene.Plain), (":path", "/")));
        Assert.Equal("200", await raw.StatusOfAsync((":method", "GET"), (":scheme", "https"), (":authority", Scene.Api), (":path", "/")));
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal(Scene.Api, seen.Host));
    }

    [Theory]
    [InlineData("api.moat.test@evil.moat.test:443", 400)]
    [InlineData("api.moat.test.evil.moat.test:443", 403)]
    [InlineData("evil-api.moat.test:443", 403)]
    [InlineData("moat.test:443", 403)]
    [InlineData("api.moat.test:443@evil.moat.test:443", 400)]
    [InlineData("api.moat.test%00.evil.moat.test:443", 400)]
    [InlineData("api.moat.test%2eevil.moat.test:443", 400)]
    [InlineData("api.moat.test/evil.moat.test:443", 400)]
    [InlineData("api.moat.test?evil.moat.test:443", 400)]
    [InlineData("api.moat.test#evil.moat.test:443", 400)]
    [InlineData("api.moat.test\\evil.moat.test:443", 400)]
    [InlineData("[api.moat.test]:443", 400)]
    [InlineData("api.moat.test", 400)]
    [InlineData("api.moat.test:0", 400)]
    [InlineData("api.moat.test:65536", 400)]
    [InlineData("api.moat.test:+443", 400)]
    [InlineData("api.moat.test:443 ", 400)]
    [InlineData(":443", 400)]
    [InlineData("https://api.moat.test:443", 400)]
    public async Task T_07_a_CONNECT_target_that_only_looks_like_an_allowed_host_is_refused(string target, int status)
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        var answer = await client.ExchangeAsync($"CONNECT {target} HTTP/1.1\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("\"how_to_allow\"", answer, StringComparison.Ordinal);
        Assert.Single(await scene.RecordsAsync(), record => record.Type == "connect.denied");
        Assert.Single(scene.Denials);
    }

    [Theory]
    [InlineData("Host: plain.moat.test:443")]
    [InlineData("Host: api.moat.test:80")]
    [InlineData("Host: api.moat.test\r\nHost: api.moat.test")]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("X-A : b")]
    [InlineData(" folded: b")]
    [InlineData("X-A: a\nX-B: b")]
    public async Task T_50_a_CONNECT_head_that_can_be_read_in_two_ways_is_refused(string line)
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        var answer = await client.ExchangeAsync($"CONNECT {Scene.Api}:443 HTTP/1.1\r\n{line}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_54_an_endless_CONNECT_head_is_cut()
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        var answer = await client.ExchangeAsync($"CONNECT {Scene.Api}:443 HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("X-Filler: 0123456789\r\n", 2000)));
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal));
        Assert.Single(await scene.RecordsAsync(), record => record.Type == "connect.denied");
    }

    [Theory]
    [InlineData("CONNECT evil.moat.test:443 HTTP/1.1\r\nHost: evil.moat.test:443\r\n\r\n")]
    [InlineData("CONNECT api.moat.test:443 HTTP/1.1\r\nHost: api.moat.test:443\r\n\r\n")]
    public async Task T_09_a_tunnel_inside_the_tunnel_is_refused(string request)
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync(request);
        Assert.Matches("^HTTP/1.1 4[0-9][0-9] ", answer);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData(22)]
    [InlineData(25)]
    [InlineData(8080)]
    public async Task T_16_another_port_of_an_allowed_host_is_refused(int port)
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        var answer = await client.ExchangeAsync($"CONNECT {Scene.Api}:{port} HTTP/1.1\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Assert.Contains("X-Moat-Blocked: policy", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_17_bytes_that_are_no_TLS_are_refused_on_443(bool proxy)
    {
        await using var scene = await StartAsync();
        using var client = proxy ? await RawClient.TunnelAsync(scene, $"{Scene.Api}:443", null) : await RawClient.ConnectAsync(scene.Https);
        Assert.Equal("", await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n"));
        Assert.Single(await scene.RecordsAsync(), record => record.Type == "connect.denied");
        Assert.Empty(scene.Upstream.Seen);
    }

    [Fact]
    public async Task T_19_the_proxy_answers_no_request_to_itself()
    {
        await using var scene = await StartAsync();
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        Assert.StartsWith("HTTP/1.1 400 ", await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_denied_host_gets_a_structured_answer_on_the_transparent_door_too()
    {
        await using var scene = await StartAsync();
        using var client = scene.Client(proxy: false);
        using var answer = await client.GetAsync(new Uri($"https://{Scene.Evil}/x"));
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("policy", Assert.Single(answer.Headers.GetValues("X-Moat-Blocked")));
        var denial = Assert.Single(scene.Denials);
        Assert.Equal((Scene.Evil, 443, "GET", "/x"), (denial.Host, denial.Port, denial.Method, denial.Path));
    }
}
