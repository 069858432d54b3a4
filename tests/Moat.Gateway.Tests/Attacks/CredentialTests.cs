using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

/// <summary>Credentials (attacks 4c).</summary>
public sealed class CredentialTests
{
    private static readonly Uri s_api = new($"https://{Scene.Api}/");

    public static TheoryData<string> Encodings => ["plain", "gzip", "br", "deflate", "base64", "hex", "url", "split"];

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task T_31_an_echo_of_the_credential_is_redacted_in_the_body(string encoding)
    {
        await using var scene = await Scene.StartAsync(context => EchoAsync(context, encoding));
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, s_api);
        request.Headers.AcceptEncoding.ParseAdd("gzip, br, deflate");
        using var response = await client.SendAsync(request);
        var body = await DecodedAsync(response);
        Assert.Contains("before", body, StringComparison.Ordinal);
        Assert.Contains("after", body, StringComparison.Ordinal);
        AssertClean(scene, body);
        AssertClean(scene, await scene.LogTextAsync());
    }

    [Theory]
    [InlineData("Location")]
    [InlineData("Set-Cookie")]
    [InlineData("WWW-Authenticate")]
    [InlineData("Link")]
    [InlineData("Refresh")]
    [InlineData("X-Echo")]
    public async Task T_33_a_credential_in_a_response_header_is_redacted(string header)
    {
        await using var scene = await Scene.StartAsync(context =>
        {
            context.Response.StatusCode = header == "Location" ? 302 : 200;
            context.Response.Headers[header] = $"https://x.test/?t={Token(context)}&basic={Convert.ToBase64String(Encoding.ASCII.GetBytes(Token(context)))}";
            return context.Response.WriteAsync("ok");
        });
        using var client = scene.Client();
        using var response = await client.GetAsync(s_api);
        AssertClean(scene, response.Headers.ToString());
        Assert.Contains("https://x.test/?t=", response.Headers.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_31_a_credential_in_a_trailer_is_redacted()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            context.Response.DeclareTrailer("x-echo");
            await context.Response.WriteAsync("body");
            context.Response.AppendTrailer("x-echo", "before " + Token(context));
        });
        using var client = scene.Client(version: HttpVersion.Version20);
        using var request = new HttpRequestMessage(HttpMethod.Get, s_api) { Version = HttpVersion.Version20 };
        request.Headers.TE.ParseAdd("trailers");
        using var response = await client.SendAsync(request);
        Assert.Equal("body", await response.Content.ReadAsStringAsync());
        var trailer = response.TrailingHeaders.ToString();
        Assert.Contains("before ", trailer, StringComparison.Ordinal);
        AssertClean(scene, trailer);
    }

    [Fact]
    public async Task T_31_a_range_cannot_take_the_credential_out_in_pieces()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("ok"));
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, s_api);
        request.Headers.Range = new RangeHeaderValue(0, 3);
        using var response = await client.SendAsync(request);
        Assert.False(Assert.Single(scene.Upstream.Seen).Headers.ContainsKey("Range"));
    }

    [Fact]
    public async Task T_35_a_placeholder_anywhere_but_in_its_header_stays_inert()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            context.Items["body"] = await reader.ReadToEndAsync();
            await context.Response.WriteAsync((string)context.Items["body"]!);
        });
        var placeholder = scene.Grants.Unlocked[0].Placeholder;
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"https://{Scene.Api}/p/{placeholder}?q={placeholder}"));
        request.Headers.UserAgent.ParseAdd("agent/" + placeholder.Replace('_', '-'));
        request.Headers.Add("Cookie", $"a={placeholder}");
        request.Headers.Add("X-Other", placeholder);
        request.Content = new StringContent($"{{\"token\":\"{placeholder}\"}}");
        using var response = await client.SendAsync(request);
        Assert.Contains(placeholder, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal($"/p/{placeholder}?q={placeholder}", seen.Target);
        foreach (var (name, value) in seen.Headers.Where(header => header.Key != "Authorization"))
            Assert.False(value.Contains(scene.Secret, StringComparison.Ordinal), name);
    }

    [Fact]
    public async Task T_35_a_placeholder_for_another_host_stays_inert()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("ok"));
        var placeholder = scene.Grants.Unlocked[0].Placeholder;
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Scene.Plain}/"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", placeholder);
        using var response = await client.SendAsync(request);
        Assert.Equal($"Bearer {placeholder}", Assert.Single(scene.Upstream.Seen).Headers["Authorization"]);
    }

    [Fact]
    public async Task T_37_a_redirect_to_another_host_is_the_agents_own_and_gets_no_credential()
    {
        await using var scene = await Scene.StartAsync(context =>
        {
            if (context.Request.Host.Host == Scene.Api)
                context.Response.Redirect($"https://{Scene.Plain}/landed");
            return Task.CompletedTask;
        });
        using var client = scene.Client();
        using var first = await client.GetAsync(s_api);
        Assert.Equal(HttpStatusCode.Redirect, first.StatusCode);
        Assert.Single(scene.Upstream.Seen);
        using var second = await client.GetAsync(first.Headers.Location);
        Assert.False(scene.Upstream.Seen.Last().Headers.ContainsKey("Authorization"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_38_nothing_is_injected_into_cleartext(bool proxy)
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("clear"), new SceneOptions { ClearText = true });
        using var client = scene.Client(proxy);
        Assert.Equal("clear", await client.GetStringAsync(new Uri($"http://{Scene.Api}/")));
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal("http", seen.Scheme);
        Assert.False(seen.Headers.ContainsKey("Authorization"));
    }

    [Fact]
    public async Task T_40_the_agents_own_credentials_are_replaced_and_proxy_credentials_end_here()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("ok"));
        using var client = await RawClient.ApiAsync(scene);
        await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nAuthorization: Bearer mine\r\nauthorization: Basic bWluZQ==\r\nProxy-Authorization: Basic bWluZQ==\r\nConnection: close, Authorization\r\n\r\n");
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal($"Bearer {scene.Secret}", seen.Headers["Authorization"]);
        Assert.False(seen.Headers.ContainsKey("Proxy-Authorization"));
    }

    [Theory]
    [InlineData("expired", "expired")]
    [InlineData("self-signed", "no authority")]
    [InlineData("wrong name", "another name")]
    public async Task T_41_an_upstream_that_does_not_prove_its_name_gets_nothing(string fault, string reason)
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("reached"), new SceneOptions
        {
            Certificate = authority =>
            {
                if (fault != "self-signed")
                    return fault == "expired" ? authority.Issue([Scene.Api], TimeSpan.FromDays(1)) : authority.Issue([Scene.Plain]);
                using var stranger = new TestAuthority();
                return stranger.Issue([Scene.Api]);
            },
        });
        using var client = scene.Client();
        using var response = await client.GetAsync(s_api);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains(reason, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
        Assert.Contains(reason, await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_42_a_rotated_credential_is_used_at_once_and_a_removed_one_denies()
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync(Token(context)));
        using var client = scene.Client();
        AssertClean(scene, await client.GetStringAsync(s_api));
        var old = scene.Secret;

        var renewed = scene.Grants.Put("api");
        scene.Grants.CheckNow();
        Assert.DoesNotContain(renewed, await client.GetStringAsync(s_api), StringComparison.Ordinal);
        Assert.Equal($"Bearer {renewed}", scene.Upstream.Seen.Last().Headers["Authorization"]);
        Assert.NotEqual(old, renewed);

        scene.Grants.Remove("api");
        scene.Grants.CheckNow();
        using var denied = await client.GetAsync(s_api);
        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Equal("grant", Assert.Single(denied.Headers.GetValues("X-Moat-Blocked")));
        Assert.Equal(2, scene.Upstream.Seen.Count);
    }

    [Fact]
    public async Task T_43_no_secret_is_in_the_log_a_denial_or_an_error()
    {
        await using var scene = await Scene.StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        using var client = scene.Client();
        // An agent that guessed the secret writes it into a path and a query.
        using var first = await client.GetAsync(new Uri($"https://{Scene.Api}/{scene.Secret}?t={scene.Secret}"));
        using var second = await client.GetAsync(new Uri($"http://{Scene.Evil}/{scene.Secret}"));
        AssertClean(scene, await first.Content.ReadAsStringAsync());
        AssertClean(scene, await scene.LogTextAsync());
        Assert.All(scene.Denials, denial => AssertClean(scene, denial.ToString()));
    }

    private static string Token(HttpContext context) => context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);

    private static async Task EchoAsync(HttpContext context, string encoding)
    {
        var token = Token(context);
        if (encoding == "split")
        {
            await context.Response.WriteAsync("before ");
            foreach (var c in token)
            {
                await context.Response.WriteAsync(c.ToString());
                await context.Response.Body.FlushAsync();
            }
            await context.Response.WriteAsync(" after");
            return;
        }
        var shown = encoding switch
        {
            "base64" => Convert.ToBase64String(Encoding.ASCII.GetBytes(token)),
            "hex" => Convert.ToHexStringLower(Encoding.ASCII.GetBytes(token)),
            "url" => Uri.EscapeDataString(token),
            _ => token,
        };
        var bytes = Encoding.ASCII.GetBytes($"before {shown} {shown} after");
        if (encoding is "gzip" or "br" or "deflate")
        {
            context.Response.Headers.ContentEncoding = encoding;
            await using Stream packed = encoding switch
            {
                "gzip" => new GZipStream(context.Response.Body, CompressionLevel.Fastest),
                "br" => new BrotliStream(context.Response.Body, CompressionLevel.Fastest),
                _ => new ZLibStream(context.Response.Body, CompressionLevel.Fastest),
            };
            await packed.WriteAsync(bytes);
            return;
        }
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    }

    private static async Task<string> DecodedAsync(HttpResponseMessage response)
    {
        var stream = await response.Content.ReadAsStreamAsync();
        stream = response.Content.Headers.ContentEncoding.SingleOrDefault() switch
        {
            "gzip" => new GZipStream(stream, CompressionMode.Decompress),
            "br" => new BrotliStream(stream, CompressionMode.Decompress),
            "deflate" => new ZLibStream(stream, CompressionMode.Decompress),
            _ => stream,
        };
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    private static void AssertClean(Scene scene, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(scene.Secret);
        Assert.DoesNotContain(scene.Secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(bytes), text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower(bytes), text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(scene.Secret[4..], text, StringComparison.Ordinal);
    }
}
