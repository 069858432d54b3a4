using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Http;
using Moat.Spec;

namespace Moat.Gateway.Tests;

/// <summary>What the policy says counts on every door, for every request, in every spelling (attacks 4a and 4d).</summary>
public sealed class PolicyTests
{
    private static readonly ImmutableArray<HostRuleSpec> s_readOnly =
        [new(Scene.Api, null, [new(false, "*", "/admin/**"), new(true, "GET", "/**"), new(true, "POST", "/repos/mine/**")], "moat.yaml:7")];

    public static TheoryData<string> Addresses => new()
    {
        "127.0.0.1:443", "127.1:443", "2130706433:443", "0x7f000001:443", "017700000001:443", "0.0.0.0:443", "[::]:443", "[::1]:443",
        "[::ffff:127.0.0.1]:443", "[::ffff:10.0.0.1]:443", "[64:ff9b::7f00:1]:443", "[2002:7f00:1::]:443", "[2001:0:7f00:1::]:443",
        "10.0.0.1:443", "172.16.0.1:443", "192.168.1.1:443", "100.64.0.1:443", "169.254.1.1:443", "[fe80::1]:443", "[fd00::1]:443",
        "224.0.0.1:443", "255.255.255.255:443", "[ff02::1]:443",
    };

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task T_12_a_private_or_special_address_is_denied_even_when_all_is_permitted(string target)
    {
        await using var scene = await StartAsync(NetworkMode.Permissive);
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        Assert.StartsWith("HTTP/1.1 403 ", await client.ExchangeAsync($"CONNECT {target} HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
        Assert.Single(scene.Denials);
    }

    [Fact]
    public async Task T_12_a_zone_is_no_host()
    {
        await using var scene = await StartAsync(NetworkMode.Permissive);
        using var client = await RawClient.ConnectAsync(scene.Proxy);
        Assert.StartsWith("HTTP/1.1 400 ", await client.ExchangeAsync("CONNECT [fe80::1%eth0]:443 HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
    }

    public static TheoryData<string> Metadata => new()
    {
        "169.254.169.254", "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200", "metadata.google.internal", "METADATA.google.internal.",
        "169.254.170.2", "169.254.170.23", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe",
    };

    [Theory]
    [MemberData(nameof(Metadata))]
    public async Task T_13_a_metadata_endpoint_is_denied_always(string host)
    {
        await using var scene = await StartAsync(NetworkMode.Permissive);
        using var connect = await RawClient.ConnectAsync(scene.Proxy);
        Assert.StartsWith("HTTP/1.1 403 ", await connect.ExchangeAsync($"CONNECT {host}:80 HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
        using var absolute = await RawClient.ConnectAsync(scene.Proxy);
        var answer = await absolute.ExchangeAsync($"GET http://{host}/latest/meta-data/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        // 400: Kestrel takes no other spelling of a Host than the target's own.
        Assert.Matches("^HTTP/1.1 40[03] ", answer);
        Assert.Equal(2, scene.Denials.Count);
    }

    [Fact]
    public async Task T_12_a_permitted_name_that_leads_to_a_private_address_is_denied_at_the_dial()
    {
        // "localhost" resolves on every machine without a network.
        await using var scene = await Scene.StartAsync(context => Task.CompletedTask, new SceneOptions { Rules = [new("localhost", null, [], "test")] });
        using var client = scene.Client();
        using var response = await client.GetAsync(new Uri("https://localhost/"));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("address", Assert.Single(response.Headers.GetValues("X-Moat-Blocked")));
        Assert.Equal("address", Assert.Single(scene.Denials).Kind);
        Assert.Contains(await scene.RecordsAsync(), record => record.Type == "request.denied");
    }

    [Theory]
    [InlineData("GET", "/anything", 200)]
    [InlineData("POST", "/repos/mine/pulls", 200)]
    [InlineData("POST", "/repos/other/pulls", 403)]
    [InlineData("DELETE", "/repos/mine/x", 403)]
    [InlineData("GET", "/admin/keys", 403)]
    public async Task T_46_a_credential_goes_only_with_the_requests_that_a_rule_allows(string method, string path, int status)
    {
        await using var scene = await ScopedAsync();
        using var client = scene.Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"https://{Scene.Api}{path}"));
        using var response = await client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 200 ? 1 : 0, scene.Upstream.Seen.Count);
    }

    [Theory]
    [InlineData("/x/../admin/keys")]
    [InlineData("/x/%2e%2e/admin/keys")]
    [InlineData("/x/%2E./admin/keys")]
    [InlineData("//admin/keys")]
    [InlineData("/./admin/keys")]
    [InlineData("/%61dmin/keys")]
    [InlineData("/admin%2fkeys")]
    [InlineData("/x%2f..%2fadmin/keys")]
    [InlineData("/admin;x=1/keys")]
    [InlineData("/x/..;/admin/keys")]
    [InlineData("/admin%00/keys")]
    [InlineData("/%2561dmin/keys")]
    [InlineData("/x/%c0%ae%c0%ae/admin/keys")]
    public async Task T_55_a_path_in_disguise_does_not_pass_a_rule(string path)
    {
        await using var scene = await ScopedAsync();
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"GET {path} HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        // Either denied, or literally something else than /admin for every server: the upstream then sees what was decided on.
        Assert.StartsWith("HTTP/1.1 40", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData("X-HTTP-Method-Override: DELETE")]
    [InlineData("x-http-method: DELETE")]
    [InlineData("X-Method-Override: DELETE")]
    [InlineData("X_HTTP_METHOD_OVERRIDE: DELETE")]
    [InlineData("X-Original-URL: /admin/keys")]
    [InlineData("X-Rewrite-URL: /admin/keys")]
    public async Task T_55_a_header_that_asks_for_another_method_or_path_is_refused(string line)
    {
        await using var scene = await ScopedAsync();
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\n{line}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);

        using var free = await RawClient.TunnelAsync(scene, $"{Scene.Plain}:443", Scene.Plain);
        Assert.StartsWith("HTTP/1.1 200 ", await free.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Plain}\r\n{line}\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("Delete")]
    [InlineData("DELETE\u00e9")]
    public async Task T_55_a_method_in_disguise_does_not_pass_a_rule(string method)
    {
        ImmutableArray<HostRuleSpec> rules = [new(Scene.Api, null, [new(false, "DELETE", "/**")], "test")];
        await using var scene = await Scene.StartAsync(context => Task.CompletedTask, new SceneOptions { Mode = NetworkMode.Permissive, Rules = rules });
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"{method} / HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), answer);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData("/\u00ff")]
    [InlineData("/%ff%fe")]
    [InlineData("/%")]
    [InlineData("/%zz")]
    public async Task T_57_a_path_that_no_rule_can_read_is_denied(string path)
    {
        await using var scene = await ScopedAsync();
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"GET {path} HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 40", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData("GET /dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", "")]
    [InlineData("GET /a/%64ns-QUERY", "")]
    [InlineData("GET /resolve?name=x", "Accept: application/dns-json\r\n")]
    [InlineData("POST /", "Content-Type: Application/DNS-Message\r\nContent-Length: 0\r\n")]
    [InlineData("GET /?dns=AAAB", "Accept: text/html, application/dns-message;q=0.5\r\n")]
    [InlineData("POST /proxy", "Content-Type: application/oblivious-dns-message\r\nContent-Length: 0\r\n")]
    public async Task T_17_a_resolver_over_HTTPS_needs_a_rule_that_names_it(string line, string fields)
    {
        ImmutableArray<HostRuleSpec> rules = [new("*.wild.test", null, [], "test")];
        var resolve = ImmutableSortedDictionary.CreateRange([KeyValuePair.Create("dns.wild.test", "127.0.0.1:1")]);
        foreach (var (mode, host, allowed) in new[] { (NetworkMode.Permissive, Scene.Evil, false), (NetworkMode.Strict, "dns.wild.test", false), (NetworkMode.Strict, Scene.Plain, true) })
        {
            await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("resolved"), new SceneOptions { Mode = mode, Rules = rules, Resolve = resolve });
            using var client = await RawClient.TunnelAsync(scene, $"{host}:443", host);
            var answer = await client.ExchangeAsync($"{line} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n");
            Assert.StartsWith(allowed ? "HTTP/1.1 200 " : "HTTP/1.1 403 ", answer, StringComparison.Ordinal);
            Assert.Equal(allowed ? 1 : 0, scene.Upstream.Seen.Count);
            Assert.Equal(allowed ? 0 : 1, scene.Denials.Count);
        }
    }

    [Fact]
    public async Task T_93_what_an_agent_writes_into_a_path_cannot_forge_a_record()
    {
        await using var scene = await ScopedAsync();
        using var client = await RawClient.ApiAsync(scene);
        await client.ExchangeAsync($"GET /admin/\",\"type\":\"run.sealed\"}} HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.DoesNotContain(await scene.RecordsAsync(), record => record.Type == "run.sealed");
    }

    [Fact]
    public async Task The_absolute_form_goes_through_the_proxy_and_is_decided()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("clear"), new SceneOptions { ClearText = true });
        using var allowed = await RawClient.ConnectAsync(scene.Proxy);
        var answer = await allowed.ExchangeAsync($"GET http://{Scene.Plain}/a?b=c HTTP/1.1\r\nHost: {Scene.Plain}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Equal("/a?b=c", Assert.Single(scene.Upstream.Seen).Target);

        foreach (var target in (string[])[$"http://{Scene.Evil}/", $"http://{Scene.Plain}:8080/"])
        {
            using var denied = await RawClient.ConnectAsync(scene.Proxy);
            Assert.StartsWith("HTTP/1.1 403 ", await denied.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: {new Uri(target).Authority}\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        }
        foreach (var target in (string[])[$"https://{Scene.Plain}/", $"ftp://{Scene.Plain}/", $"http://user@{Scene.Plain}/"])
        {
            using var refused = await RawClient.ConnectAsync(scene.Proxy);
            Assert.StartsWith("HTTP/1.1 400 ", await refused.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: {Scene.Plain}\r\n\r\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_tunnel_to_an_opened_port_carries_HTTP_in_the_clear()
    {
        await using var scene = await Scene.StartAsync(
            context => context.Response.WriteAsync("clear"), new SceneOptions { ClearText = true, Rules = [new(Scene.Plain, 8080, [], "test")] });
        using var client = await RawClient.TunnelAsync(scene, $"{Scene.Plain}:8080", null);
        Assert.StartsWith("HTTP/1.1 200 ", await client.ExchangeAsync($"GET /x HTTP/1.1\r\nHost: {Scene.Plain}:8080\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal($"{Scene.Plain}:8080", Assert.Single(scene.Upstream.Seen).Host);

        using var mismatch = await RawClient.TunnelAsync(scene, $"{Scene.Plain}:8080", null);
        Assert.StartsWith("HTTP/1.1 421 ", await mismatch.ExchangeAsync($"GET /x HTTP/1.1\r\nHost: {Scene.Plain}:80\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    private static Task<Scene> StartAsync(NetworkMode mode) => Scene.StartAsync(context => context.Response.WriteAsync("reached"), new SceneOptions { Mode = mode });

    private static Task<Scene> ScopedAsync() => Scene.StartAsync(context => context.Response.WriteAsync("reached"), new SceneOptions { Rules = s_readOnly });
}
