using System.Net;

namespace Moat.Gateway.Tests;

/// <summary>T-46: a credential that may do everything, used for little.</summary>
public sealed class ScopeTests
{
    [Theory]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme/widget", true)]
    [InlineData("repo acme/widget", "PATCH", "api.github.com", "/repos/acme/widget/issues/1", true)]
    [InlineData("repo acme/widget", "GET", "github.com", "/acme/widget.git/info/refs?service=git-receive-pack", true)]
    [InlineData("repo acme/widget", "POST", "github.com", "/acme/widget/git-receive-pack", true)]
    [InlineData("repo acme/widget", "POST", "uploads.github.com", "/repos/acme/widget/releases/1/assets?name=a", true)]
    [InlineData("repo acme/widget.git", "GET", "github.com", "/acme/widget/info/refs", true)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme/other", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme/widget.evil", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme/widget/../other", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme/widget/%2e%2e/other", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme%2fwidget/x", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos/acme/widget%2f..%2fother", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/repos//acme/widget", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/user", false)]
    [InlineData("repo acme/widget", "POST", "api.github.com", "/graphql", false)]
    [InlineData("repo acme/widget", "POST", "github.com", "/acme/other.git/git-receive-pack", false)]
    [InlineData("repo acme/widget", "GET", "github.com", "/repos/acme/widget/x", false)]
    [InlineData("repo acme/widget", "GET", "api.github.com", "/acme/widget/info/refs", false)]
    [InlineData("repo acme/widget read-only", "GET", "api.github.com", "/repos/acme/widget/pulls", true)]
    [InlineData("repo acme/widget read-only", "POST", "github.com", "/acme/widget.git/git-upload-pack", true)]
    [InlineData("repo acme/widget read-only", "POST", "github.com", "/acme/widget.git/git-receive-pack", false)]
    [InlineData("repo acme/widget read-only", "POST", "api.github.com", "/repos/acme/widget/pulls", false)]
    [InlineData("read-only", "GET", "api.github.com", "/user/repos", true)]
    [InlineData("read-only", "HEAD", "api.github.com", "/user", true)]
    [InlineData("read-only", "POST", "github.com", "/any/repo.git/git-upload-pack", true)]
    [InlineData("read-only", "POST", "github.com", "/any/repo.git/git-receive-pack", false)]
    [InlineData("read-only", "DELETE", "api.github.com", "/repos/acme/widget", false)]
    [InlineData("read-only", "POST", "api.github.com", "/graphql", false)]
    [InlineData("GET /user", "GET", "api.github.com", "/user", true)]
    [InlineData("GET /user", "GET", "api.github.com", "/users", false)]
    [InlineData("api.github.com * /gists/**", "POST", "api.github.com", "/gists", true)]
    [InlineData("api.github.com * /gists/**", "GET", "github.com", "/gists", false)]
    public async Task A_request_outside_the_scope_gets_no_credential_and_is_told_so(string scope, string method, string host, string target, bool inside)
    {
        await using var scene = await StartAsync(scope);
        using var response = await SendAsync(scene, method, host, target);
        if (inside)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Contains(host == "github.com" ? "Basic " : "Bearer " + scene.Secret, Assert.Single(scene.Upstream.Seen).Headers["Authorization"], StringComparison.Ordinal);
            return;
        }
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(scene.Upstream.Seen);
        Assert.Contains(scope, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("scope of the grant github", Assert.Single(scene.Denials).Rule);
        Assert.Contains("scope of the grant github", await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_header_that_asks_for_another_method_does_not_widen_the_scope()
    {
        await using var scene = await StartAsync("read-only");
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("https://api.github.com/repos/a/b"));
        request.Headers.TryAddWithoutValidation("X-HTTP-Method-Override", "DELETE");
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData("PUT", "/a", HttpStatusCode.Forbidden)]
    [InlineData("GET", "/b", HttpStatusCode.Forbidden)]
    [InlineData("GET", "/a", HttpStatusCode.OK)]
    public async Task What_was_narrowed_when_it_was_stored_stays_so_whatever_a_run_allows(string method, string target, HttpStatusCode expected)
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
        {
            Allow = new Dictionary<string, string[]> { ["api"] = ["GET /**", "POST /**"] },
            StoredAllow = ["* /a"],
        });
        using var response = await SendAsync(scene, method, Scene.Api, target);
        Assert.Equal(expected, response.StatusCode);
    }

    private static Task<Scene> StartAsync(string scope) => Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions
    {
        Grants = ["github"],
        Hosts = ["api.github.com", "uploads.github.com", "github.com"],
        Allow = new Dictionary<string, string[]> { ["github"] = [scope] },
    });

    private static async Task<HttpResponseMessage> SendAsync(Scene scene, string method, string host, string target)
    {
        using var client = scene.Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"https://{host}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        return await client.SendAsync(request);
    }
}
