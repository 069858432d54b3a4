using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

/// <summary>T-35: a placeholder is replaced in the slot that a binding declares, exactly there, and nowhere else.</summary>
public sealed class SlotTests
{
    private const string Provider = """
        name: api
        bindings:
          - { hosts: [api.moat.test], slot: query, name: key }
          - { hosts: [api.moat.test], slot: path, prefix: bot, path: "/*/me" }
          - { hosts: [api.moat.test], slot: cookie, name: session }
          - { hosts: [api.moat.test], slot: json, name: auth.token, method: POST, path: /login }
          - { hosts: [api.moat.test], slot: form, name: client_secret, method: POST, path: /oauth/token }
        container_env: [API_TOKEN]
        """;

    [Theory]
    [InlineData("/x?key={P}", "/x?key={S}")]
    [InlineData("/x?a=1&key={P}&b=2", "/x?a=1&key={S}&b=2")]
    [InlineData("/x?k%65y={P}", "/x?k%65y={S}")]
    [InlineData("/bot{P}/me", "/bot{S}/me")]
    [InlineData("/bot{P}/me?other=1", "/bot{S}/me?other=1")]
    [InlineData("/x?key={P}x", "/x?key={P}x")]
    [InlineData("/x?key=x{P}", "/x?key=x{P}")]
    [InlineData("/x?KEY={P}", "/x?KEY={P}")]
    [InlineData("/x?keys={P}", "/x?keys={P}")]
    [InlineData("/x?{P}=key", "/x?{P}=key")]
    [InlineData("/x?{P}", "/x?{P}")]
    [InlineData("/x;key={P}", "/x;key={P}")]
    [InlineData("/x?a=key={P}", "/x?a=key={P}")]
    [InlineData("/x?a=1;key={P}", "/x?a=1;key={P}")]
    [InlineData("/bot{P}/you", "/bot{P}/you")]
    [InlineData("/{P}/me", "/{P}/me")]
    [InlineData("/bot{P}x/me", "/bot{P}x/me")]
    [InlineData("/xbot{P}/me", "/xbot{P}/me")]
    [InlineData("/x?path=/bot{P}/me", "/x?path=/bot{P}/me")]
    public async Task The_target_takes_it_in_the_declared_place_alone(string target, string expected)
    {
        await using var scene = await StartAsync();
        var placeholder = Placeholder(scene);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(scene, target.Replace("{P}", placeholder, StringComparison.Ordinal)));
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal(expected.Replace("{P}", placeholder, StringComparison.Ordinal).Replace("{S}", scene.Secret, StringComparison.Ordinal), seen.Target);
        Assert.DoesNotContain(seen.Headers.Values, value => value.Contains(scene.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_escaped_placeholder_is_the_same_placeholder()
    {
        await using var scene = await StartAsync();
        var escaped = string.Concat(Placeholder(scene).Select(c => $"%{(int)c:X2}"));
        await GetAsync(scene, $"/x?key={escaped}");
        await GetAsync(scene, $"/bot{escaped}/me");
        Assert.Equal([$"/x?key={scene.Secret}", $"/bot{scene.Secret}/me"], scene.Upstream.Seen.Select(seen => seen.Target));
    }

    [Theory]
    [InlineData("/x?key={P}&key={P}")]
    [InlineData("/x?key={P}&k%65y={P}")]
    public async Task A_slot_that_is_there_twice_is_refused(string target)
    {
        await using var scene = await StartAsync();
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(scene, target.Replace("{P}", Placeholder(scene), StringComparison.Ordinal)));
        Assert.Empty(scene.Upstream.Seen);
        Assert.Contains("twice", Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("session={P}", "session={S}")]
    [InlineData("a=1; session={P}; b=2", "a=1; session={S}; b=2")]
    [InlineData("Session={P}", "Session={P}")]
    [InlineData("a=session={P}", "a=session={P}")]
    [InlineData("session=x{P}", "session=x{P}")]
    [InlineData("other={P}", "other={P}")]
    public async Task The_cookie_takes_it_by_its_name_alone(string cookie, string expected)
    {
        await using var scene = await StartAsync();
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Scene.Api}/"));
        request.Headers.TryAddWithoutValidation("Cookie", cookie.Replace("{P}", Placeholder(scene), StringComparison.Ordinal));
        using var response = await client.SendAsync(request);
        Assert.Equal(expected.Replace("{P}", Placeholder(scene), StringComparison.Ordinal).Replace("{S}", scene.Secret, StringComparison.Ordinal), Assert.Single(scene.Upstream.Seen).Headers["Cookie"]);
    }

    [Theory]
    [InlineData("/login", "application/json", """{"auth":{"token":"{P}"},"n":1}""", """{"auth":{"token":"{S}"},"n":1}""")]
    [InlineData("/login", "application/json; charset=utf-8", """ { "list" : [ {"token":"{P}"} , "{P}" ] , "auth" : { "x":[], "token" : "{P}" } } """, """ { "list" : [ {"token":"{P}"} , "{P}" ] , "auth" : { "x":[], "token" : "{S}" } } """)]
    [InlineData("/login", "application/vnd.api+json", """{"auth":{"token":"{P}"}}""", """{"auth":{"token":"{S}"}}""")]
    [InlineData("/login", "application/json", """{"token":"{P}","auth":{"toke":"{P}","x":{"token":"{P}"}}}""", """{"token":"{P}","auth":{"toke":"{P}","x":{"token":"{P}"}}}""")]
    [InlineData("/login", "application/json", """{"auth":[{"token":"{P}"}],"auth.token":"{P}"}""", """{"auth":[{"token":"{P}"}],"auth.token":"{P}"}""")]
    [InlineData("/login", "application/json", """{"auth":{"token":"x{P}"}}""", """{"auth":{"token":"x{P}"}}""")]
    [InlineData("/login", "application/json", """{"auth":{"token":"{P}"}} and more""", """{"auth":{"token":"{P}"}} and more""")]
    [InlineData("/login", "text/plain", """{"auth":{"token":"{P}"}}""", """{"auth":{"token":"{P}"}}""")]
    [InlineData("/other", "application/json", """{"auth":{"token":"{P}"}}""", """{"auth":{"token":"{P}"}}""")]
    [InlineData("/login", "application/x-www-form-urlencoded", "client_secret={P}", "client_secret={P}")]
    [InlineData("/oauth/token", "application/x-www-form-urlencoded", "grant_type=x&client_secret={P}&a=b+c", "grant_type=x&client_secret={S}&a=b+c")]
    [InlineData("/oauth/token", "application/x-www-form-urlencoded", "secret={P}&x=client_secret={P}", "secret={P}&x=client_secret={P}")]
    [InlineData("/oauth/token", "application/json", """{"client_secret":"{P}"}""", """{"client_secret":"{P}"}""")]
    public async Task The_body_takes_it_in_the_declared_field_of_the_declared_request_alone(string path, string type, string body, string expected)
    {
        foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            var received = "";
            await using var scene = await StartAsync(async context => received = await new StreamReader(context.Request.Body).ReadToEndAsync());
            Assert.Equal(HttpStatusCode.OK, await PostAsync(scene, path, type, body.Replace("{P}", Placeholder(scene), StringComparison.Ordinal), version));
            Assert.Equal(expected.Replace("{P}", Placeholder(scene), StringComparison.Ordinal).Replace("{S}", scene.Secret, StringComparison.Ordinal), received);
        }
    }

    [Fact]
    public async Task T_44_a_body_above_the_limit_is_refused_with_the_reason_and_never_sent()
    {
        await using var scene = await StartAsync();
        foreach (var chunked in new[] { false, true })
        {
            using var client = scene.Client();
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"https://{Scene.Api}/login")) { Content = new StringContent("\"" + new string('x', 1024 * 1024) + "\"", Encoding.UTF8, "application/json") };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
            Assert.Contains("1024 KiB", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        Assert.Empty(scene.Upstream.Seen);
    }

    [Fact]
    public async Task T_44_a_body_at_the_limit_goes_through_chunked_or_not()
    {
        var lengths = new List<long>();
        await using var scene = await StartAsync(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            Assert.EndsWith($"\"auth\":{{\"token\":\"{Token}\"}}}}", Encoding.ASCII.GetString(body.ToArray()), StringComparison.Ordinal);
            lengths.Add(body.Length);
        });
        Token = scene.Secret;
        var end = $"\",\"auth\":{{\"token\":\"{Placeholder(scene)}\"}}}}";
        var text = "{\"x\":\"" + new string('x', 1024 * 1024 - 6 - end.Length) + end;
        foreach (var chunked in new[] { false, true })
        {
            using var client = scene.Client();
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"https://{Scene.Api}/login")) { Content = new StringContent(text, Encoding.UTF8, "application/json") };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        Assert.Equal(2, lengths.Count);
        Assert.All(lengths, length => Assert.Equal(1024 * 1024 + scene.Secret.Length - Placeholder(scene).Length, length));
    }

    [Fact]
    public async Task A_coded_body_is_not_looked_into_and_stays_as_it_is()
    {
        byte[] received = [];
        await using var scene = await StartAsync(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            received = body.ToArray();
        });
        using var client = scene.Client();
        var sent = Encoding.ASCII.GetBytes($"{{\"auth\":{{\"token\":\"{Placeholder(scene)}\"}}}}");
        using var content = new ByteArrayContent(sent);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add("gzip");
        using var response = await client.PostAsync(new Uri($"https://{Scene.Api}/login"), content);
        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task The_echo_of_a_credential_from_any_slot_is_redacted()
    {
        await using var scene = await StartAsync(async context =>
        {
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsync($"{context.Request.QueryString} {context.Request.Path} {context.Request.Headers.Cookie} {body}");
        });
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"https://{Scene.Api}/oauth/token?key={Placeholder(scene)}"));
        request.Headers.TryAddWithoutValidation("Cookie", "session=" + Placeholder(scene));
        request.Content = new StringContent("client_secret=" + Placeholder(scene), Encoding.ASCII, "application/x-www-form-urlencoded");
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("client_secret=[moat:redacted]", text, StringComparison.Ordinal);
        Assert.DoesNotContain(scene.Secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain(scene.Secret, await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    private string Token { get; set; } = "";

    private static Task<Scene> StartAsync(RequestDelegate? handle = null) =>
        Scene.StartAsync(handle ?? (_ => Task.CompletedTask), new SceneOptions { Providers = [Provider] });

    private static string Placeholder(Scene scene) => scene.Grants.Unlocked[0].Placeholder;

    private static async Task<HttpStatusCode> GetAsync(Scene scene, string target)
    {
        using var client = scene.Client();
        using var response = await client.GetAsync(new Uri($"https://{Scene.Api}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        return response.StatusCode;
    }

    private static async Task<HttpStatusCode> PostAsync(Scene scene, string path, string type, string body, Version version)
    {
        using var client = scene.Client(version: version);
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await client.PostAsync(new Uri($"https://{Scene.Api}{path}"), content);
        return response.StatusCode;
    }
}
