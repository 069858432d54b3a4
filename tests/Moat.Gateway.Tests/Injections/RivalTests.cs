using System.Net;
using System.Text;

namespace Moat.Gateway.Tests;

/// <summary>Which of a run's grants a request takes: by binding and placeholder, never by the order of a list.</summary>
public sealed class RivalTests
{
    private const string First = """
        name: first
        hosts: [api.moat.test]
        inject: { header: Authorization, prefix: "Bearer " }
        """;

    private const string Second = """
        name: second
        hosts: ["*.moat.test"]
        inject: { format: basic, user: robot }
        """;

    [Theory]
    [InlineData("Bearer {1}", 1)]
    [InlineData("bearer {1}", 1)]
    [InlineData("{1}", 1)]
    [InlineData("token {1}", 1)]
    [InlineData("basic {1}", 1)]
    [InlineData("Bearer {2}", 2)]
    [InlineData("Basic user:{2}", 2)]
    [InlineData("Basic {2}:", 2)]
    public async Task The_placeholder_tells_two_grants_of_one_header_apart(string sent, int meant)
    {
        await using var scene = await StartAsync();
        using var response = await SendAsync(scene, Write(scene, sent));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var header = Assert.Single(scene.Upstream.Seen).Headers["Authorization"];
        Assert.Equal(meant == 1 ? "Bearer " + Token(scene, 0) : "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + Token(scene, 1))), header);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer somebody-elses")]
    [InlineData("Bearer x{1}")]
    [InlineData("Basic {1}:{2}")]
    public async Task What_names_neither_or_both_is_refused(string? sent)
    {
        await using var scene = await StartAsync();
        using var response = await SendAsync(scene, sent is null ? null : Write(scene, sent));
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("first", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Fact]
    public async Task A_grant_that_takes_a_header_off_is_a_rival_of_the_one_that_writes_it()
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
        {
            Providers = ["name: other\nhosts: [api.anthropic.com]\ninject: { header: Authorization, prefix: \"Bearer \" }\n"],
            Grants = ["anthropic", "other"],
            Hosts = ["api.anthropic.com"],
        });
        using var client = scene.Client();
        foreach (var (header, grant) in new[] { ("x-api-key", 0), ("Authorization", 1) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("https://api.anthropic.com/v1/models"));
            request.Headers.TryAddWithoutValidation(header, scene.Grants.Unlocked[grant].Placeholder);
            using var response = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        var seen = scene.Upstream.Seen.ToArray();
        Assert.Equal((Token(scene, 0), false), (seen[0].Headers["x-api-key"], seen[0].Headers.ContainsKey("Authorization")));
        Assert.Equal(("Bearer " + Token(scene, 1), false), (seen[1].Headers["Authorization"], seen[1].Headers.ContainsKey("x-api-key")));
    }

    [Fact]
    public async Task The_record_names_the_grant_that_went_along()
    {
        await using var scene = await StartAsync();
        using var response = await SendAsync(scene, Write(scene, "Bearer {2}"));
        var log = await scene.LogTextAsync();
        Assert.Contains("\"grant\":\"second\"", log, StringComparison.Ordinal);
        Assert.DoesNotContain("first", log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/api/x", "api")]
    [InlineData("GET", "/api", "api")]
    [InlineData("POST", "/api/x", "write")]
    [InlineData("GET", "/other", null)]
    [InlineData("DELETE", "/api/x", null)]
    [InlineData("GET", "/other/../api/x", null)]
    [InlineData("GET", "/api%2fx", null)]
    [InlineData("GET", "//api/x", null)]
    public async Task A_binding_may_name_methods_and_paths(string method, string path, string? expected)
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
        {
            Providers =
            [
                """
                name: api
                bindings:
                  - { hosts: [api.moat.test], slot: header, name: X-Key, prefix: "api ", method: GET, path: /api/** }
                  - { hosts: [api.moat.test], slot: header, name: X-Key, prefix: "write ", method: POST, path: /api/** }
                """,
            ],
        });
        using var client = scene.Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"https://{Scene.Api}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Headers.TryAddWithoutValidation("X-Key", "mine");
        using var response = await client.SendAsync(request);
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal(expected is null ? "mine" : $"{expected} {scene.Secret}", seen.Headers["X-Key"]);
    }

    [Fact]
    public async Task A_header_that_asks_for_another_method_is_refused_where_the_method_decides()
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
        {
            Providers = ["name: api\nbindings:\n  - { hosts: [api.moat.test], slot: header, name: X-Key, method: GET }\n"],
        });
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Scene.Api}/"));
        request.Headers.TryAddWithoutValidation("X-HTTP-Method-Override", "DELETE");
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData("a.wild.test")]
    [InlineData("b.a.wild.test")]
    public async Task A_wildcard_host_really_takes_the_credential(string host)
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
        {
            Providers = ["name: api\nhosts: [\"*.wild.test\"]\ninject: { header: X-Key }\n"],
            Hosts = [host],
        });
        using var client = scene.Client();
        using var response = await client.GetAsync(new Uri($"https://{host}/"));
        Assert.Equal(scene.Secret, Assert.Single(scene.Upstream.Seen).Headers["X-Key"]);
    }

    [Fact]
    public async Task T_38_cleartext_takes_a_credential_only_where_the_binding_says_so_and_names_the_port()
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
        {
            Providers = ["name: api\nbindings:\n  - { hosts: [\"api.moat.test:8080\"], scheme: http, slot: header, name: X-Key }\n"],
            Rules = [new Spec.HostRuleSpec(Scene.Api, 8080, [], "test")],
            ClearText = true,
        });
        using var client = scene.Client();
        using var named = await client.GetAsync(new Uri($"http://{Scene.Api}:8080/"));
        using var other = await client.GetAsync(new Uri($"http://{Scene.Api}/"));
        Assert.Equal([true, false], scene.Upstream.Seen.Select(seen => seen.Headers.ContainsKey("X-Key")));
    }

    private static Task<Scene> StartAsync() =>
        Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions { Providers = [First, Second], Grants = ["first", "second"] });

    private static string Token(Scene scene, int grant) => Encoding.ASCII.GetString(scene.Grants.Unlocked[grant].Secret.Reveal());

    /// <summary>With the placeholders in; what follows Basic is encoded where it is a pair.</summary>
    private static string Write(Scene scene, string text)
    {
        text = text.Replace("{1}", scene.Grants.Unlocked[0].Placeholder, StringComparison.Ordinal).Replace("{2}", scene.Grants.Unlocked[1].Placeholder, StringComparison.Ordinal);
        return text.StartsWith("Basic ", StringComparison.Ordinal) ? "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes(text[6..])) : text;
    }

    private static async Task<HttpResponseMessage> SendAsync(Scene scene, string? authorization)
    {
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Scene.Api}/"));
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return await client.SendAsync(request);
    }
}
