using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;
using Moat.Gateway.Captures;

namespace Moat.Gateway.Tests;

/// <summary>Token answers on their way through the gateway.</summary>
public sealed class CaptureTests : IDisposable
{
    private readonly string _access = TestGrants.NewToken(), _refresh = TestGrants.NewToken();
    private readonly CaptureScene _login = new();
    private readonly List<(string Host, string Path, string Authorization, string Body)> _seen = [];
    private string _json = "";
    private Func<HttpContext, Task>? _answer;

    public void Dispose() => _login.Dispose();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task The_sandbox_gets_placeholders_that_work_where_the_tokens_do_and_nowhere_else(string version)
    {
        _json = $$"""{"access_token":"{{_access}}", "token" : "{{_access}}","refresh_token":"{{_refresh}}","expires_in":300,"nested":{"access_token":"{{_access}}"},"note":"plain"}""";
        await using var scene = await StartAsync();
        using var client = scene.Client(version: Version.Parse(version));
        var text = await TokenAsync(client);
        AssertClean(text);
        var answer = JsonDocument.Parse(text).RootElement;
        var (access, refresh) = (answer.GetProperty("access_token").GetString()!, answer.GetProperty("refresh_token").GetString()!);
        Assert.Equal([access, access], [answer.GetProperty("token").GetString()!, answer.GetProperty("nested").GetProperty("access_token").GetString()!]);
        Assert.NotEqual(access, refresh);
        Assert.Equal((300, "plain"), (answer.GetProperty("expires_in").GetInt32(), answer.GetProperty("note").GetString()));
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _login.Secret)), _seen[^1].Authorization);

        // The same connection, whose plan is older than the token.
        await SendAsync(client, $"https://{Scene.Api}/v2/", "Bearer " + access);
        Assert.Equal("Bearer " + _access, _seen[^1].Authorization);
        await SendAsync(client, $"https://{Scene.Api}/v2/", "Bearer " + refresh);
        Assert.Equal("Bearer " + refresh, _seen[^1].Authorization);
        await SendAsync(client, $"https://{Scene.Plain}/v2/", "Bearer " + access);
        Assert.Equal("Bearer " + access, _seen[^1].Authorization);

        using var form = new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("refresh_token", refresh), new("note", refresh)]);
        using var renewed = await client.PostAsync(new Uri($"https://{CaptureScene.Auth}/token"), form, Ct);
        Assert.Equal($"grant_type=refresh_token&refresh_token={_refresh}&note={refresh}", _seen[^1].Body);
        AssertClean(await renewed.Content.ReadAsStringAsync(Ct));
        using var elsewhere = new FormUrlEncodedContent([new("refresh_token", refresh)]);
        await client.PostAsync(new Uri($"https://{Scene.Plain}/token"), elsewhere, Ct);
        Assert.Equal($"refresh_token={refresh}", _seen[^1].Body);
        Assert.DoesNotContain(_access, await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_compressed_answer_is_read_though_nobody_asked_for_it(string coding)
    {
        await using var scene = await StartAsync();
        _answer = async context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.Headers.ContentEncoding = coding;
            Assert.Equal("identity", context.Request.Headers.AcceptEncoding);
            await using Stream body = coding switch { "gzip" => new GZipStream(context.Response.Body, CompressionLevel.Fastest), "br" => new BrotliStream(context.Response.Body, CompressionLevel.Fastest), _ => new ZLibStream(context.Response.Body, CompressionLevel.Fastest) };
            await body.WriteAsync(Encoding.ASCII.GetBytes($$"""{"access_token":"{{_access}}"}"""));
        };
        using var client = scene.Client();
        var text = await TokenAsync(client, "gzip, br");
        AssertClean(text);
        await SendAsync(client, $"https://{Scene.Api}/", "Bearer " + JsonDocument.Parse(text).RootElement.GetProperty("access_token").GetString());
        Assert.Equal("Bearer " + _access, _seen[^1].Authorization);
    }

    [Theory]
    [InlineData("no JSON", "access_token=TOKEN&token_type=bearer")]
    [InlineData("cut", """{"access_token":"TOKEN""")]
    [InlineData("more after the end", """{"access_token":"TOKEN"} {"access_token":"TOKEN"}""")]
    [InlineData("twice", """{"access_token":"TOKEN","access_token":"TOKEN"}""")]
    [InlineData("twice in another case", """{"access_token":"x","Access_Token":"TOKEN"}""")]
    [InlineData("too short", """{"access_token":"short","x":"TOKEN"}""")]
    [InlineData("a line break", """{"access_token":"TOKEN\nTOKEN"}""")]
    [InlineData("a comment", """{/* TOKEN */"access_token":"TOKEN"}""")]
    [InlineData("a byte order mark", "\uFEFF{\"access_token\":\"TOKEN\"}")]
    public async Task What_cannot_be_read_in_one_way_alone_is_refused(string _, string body)
    {
        _json = body.Replace("TOKEN", _access, StringComparison.Ordinal);
        await using var scene = await StartAsync();
        await RefusedAsync(scene);
    }

    [Fact]
    public async Task An_escaped_name_and_an_escaped_token_are_read_as_clients_read_them()
    {
        _json = $$"""{"\u0061ccess_token":"\u0074{{_access[1..]}}"}""";
        await using var scene = await StartAsync();
        using var client = scene.Client();
        var text = await TokenAsync(client);
        Assert.DoesNotContain(_access[1..], text, StringComparison.Ordinal);
        await SendAsync(client, $"https://{Scene.Api}/", "Bearer " + JsonDocument.Parse(text).RootElement.GetProperty("access_token").GetString());
        Assert.Equal("Bearer " + _access, _seen[^1].Authorization);
    }

    [Fact]
    public async Task An_answer_that_is_too_long_is_refused()
    {
        _json = $$"""{"pad":"{{new string('x', TokenAnswer.MaxLength)}}","access_token":"{{_access}}"}""";
        await using var scene = await StartAsync();
        await RefusedAsync(scene);
    }

    [Fact]
    public async Task A_small_answer_that_grows_beyond_the_bound_when_it_is_decoded_is_refused()
    {
        await using var scene = await StartAsync();
        _answer = async context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            await using var body = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
            await body.WriteAsync(new byte[8 * 1024 * 1024]);
        };
        await RefusedAsync(scene);
    }

    [Theory]
    [InlineData("compress")]
    [InlineData("gzip")]
    public async Task A_coding_that_is_unknown_or_untrue_is_refused(string coding)
    {
        await using var scene = await StartAsync();
        _answer = async context =>
        {
            context.Response.Headers.ContentEncoding = coding;
            await context.Response.WriteAsync($$"""{"access_token":"{{_access}}"}""");
        };
        await RefusedAsync(scene);
    }

    [Fact]
    public async Task A_part_of_an_answer_is_refused()
    {
        await using var scene = await StartAsync();
        _answer = async context =>
        {
            context.Response.StatusCode = 206;
            await context.Response.WriteAsync($$"""{"access_token":"{{_access}}"}""");
        };
        await RefusedAsync(scene);
    }

    [Theory]
    [InlineData("/token;x=1")]
    [InlineData("/a/..%2ftoken")]
    [InlineData("//token")]
    public async Task A_path_that_may_be_the_endpoint_is_held_for_it(string path)
    {
        _json = $$"""{"access_token":"{{_access}}"}""";
        await using var scene = await StartAsync();
        using var raw = await RawClient.TunnelAsync(scene, $"{CaptureScene.Auth}:443", CaptureScene.Auth);
        AssertClean(await raw.ExchangeAsync($"GET {path} HTTP/1.1\r\nHost: {CaptureScene.Auth}\r\nConnection: close\r\n\r\n"));
    }

    [Fact]
    public async Task A_refusal_of_the_endpoint_passes_as_it_is()
    {
        await using var scene = await StartAsync();
        _answer = context =>
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync("""{"error":"slow_down"}""");
        };
        using var client = scene.Client();
        using var response = await client.GetAsync(new Uri($"https://{CaptureScene.Auth}/token"), Ct);
        Assert.Equal("""{"error":"slow_down"}""", await response.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task A_captured_token_is_masked_wherever_a_service_says_it_back()
    {
        _json = $$"""{"access_token":"{{_access}}"}""";
        await using var scene = await StartAsync();
        _answer = async context =>
        {
            // Beside the body too, in the very answer that brings it.
            context.Response.Headers["X-Token"] = _access;
            context.Response.Headers.SetCookie = "t=" + Convert.ToBase64String(Encoding.ASCII.GetBytes(_access));
            await context.Response.WriteAsync(context.Request.Host.Host == CaptureScene.Auth ? _json : $"you are {_access}, {Convert.ToHexStringLower(Encoding.ASCII.GetBytes(_access))}");
        };
        using var client = scene.Client();
        foreach (var host in (string[])[CaptureScene.Auth, Scene.Api, Scene.Plain])
        {
            using var response = await client.GetAsync(new Uri($"https://{host}/token"), Ct);
            AssertClean(response.Headers + await response.Content.ReadAsStringAsync(Ct));
        }
    }

    [Fact]
    public async Task An_identity_token_keeps_its_claims_and_loses_its_signature()
    {
        var claims = $"{Part("""{"alg":"RS256"}""")}.{Part("""{"email":"me@example.org"}""")}";
        var signature = Part(TestGrants.NewToken());
        _json = $$"""{"id_token":"{{claims}}.{{signature}}"}""";
        await using var scene = await StartAsync();
        using var client = scene.Client();
        var token = JsonDocument.Parse(await TokenAsync(client)).RootElement.GetProperty("id_token").GetString()!;
        Assert.StartsWith(claims + ".", token, StringComparison.Ordinal);
        Assert.DoesNotContain(signature, token, StringComparison.Ordinal);
        // It is a name and no credential: nowhere is it put back.
        await SendAsync(client, $"https://{Scene.Api}/", "Bearer " + token);
        Assert.Equal("Bearer " + token, _seen[^1].Authorization);

        static string Part(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    [Fact]
    public async Task With_its_grant_a_captured_token_is_revoked()
    {
        _json = $$"""{"access_token":"{{_access}}"}""";
        await using var scene = await StartAsync();
        using var client = scene.Client();
        var access = JsonDocument.Parse(await TokenAsync(client)).RootElement.GetProperty("access_token").GetString();
        _login.Revoke();
        var seen = _seen.Count;
        using var response = await SendAsync(client, $"https://{Scene.Api}/", "Bearer " + access);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(seen, _seen.Count);
    }

    [Fact]
    public void A_run_keeps_so_many_tokens_and_not_one_more()
    {
        var grant = _login.Grant;
        using var book = new CaptureBook([grant]);
        var place = new CapturePlace(grant, grant.Captures[0]);
        for (var i = 0; i < CaptureBook.MaxTokens; i++)
            book.Add(place, CapturedKind.Access, Encoding.ASCII.GetBytes($"a-token-with-the-number-{i}"));
        Assert.Equal(book.Grants[7].Placeholder, book.Add(place, CapturedKind.Access, "a-token-with-the-number-7"u8));
        Assert.Throws<Moat.Gateway.Redaction.RedactionRefusedException>(() => book.Add(place, CapturedKind.Access, "one-token-too-many-for-it"u8));
    }

    private Task<Scene> StartAsync() => Scene.StartAsync(HandleAsync, _login.Options);

    private async Task HandleAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        _seen.Add((context.Request.Host.Host, context.Request.Path, context.Request.Headers.Authorization.ToString(), body));
        if (_answer is not null)
        {
            await _answer(context);
            return;
        }
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(context.Request.Host.Host == CaptureScene.Auth ? _json : "{}");
    }

    private static async Task<string> TokenAsync(HttpClient client, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{CaptureScene.Auth}/token?service=x");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept-Encoding", accept);
        using var response = await client.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(response.Content.Headers.ContentEncoding);
        return await response.Content.ReadAsStringAsync(Ct);
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string url, string authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return await client.SendAsync(request, Ct);
    }

    private async Task RefusedAsync(Scene scene)
    {
        using var client = scene.Client();
        using var response = await client.GetAsync(new Uri($"https://{CaptureScene.Auth}/token"), Ct);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        AssertClean(response.Headers + await response.Content.ReadAsStringAsync(Ct));
    }

    private void AssertClean(string text)
    {
        foreach (var secret in (string[])[_access, _refresh, _login.Secret])
        {
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(Encoding.ASCII.GetBytes(secret))[..40], text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexStringLower(Encoding.ASCII.GetBytes(secret)), text, StringComparison.OrdinalIgnoreCase);
        }
    }
}
