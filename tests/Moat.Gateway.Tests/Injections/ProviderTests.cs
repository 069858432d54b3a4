using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Moat.Credentials;

namespace Moat.Gateway.Tests;

/// <summary>
/// Each provider with a stand-in that wants what the vendor documents: the credential once, in its place. A request without
/// it, with another, or with it a second time anywhere gets a 401.
/// </summary>
public sealed class ProviderTests
{
    /// <summary>Grant; host; method; target; header and value as the client sends them; body; what the vendor wants and where.</summary>
    public static TheoryData<string, string, string, string, string, string, string> Requests => new()
    {
        { "github", "api.github.com", "GET /user", "Authorization: token {P}", "", "Authorization", "Bearer {S}" },
        { "github", "github.com", "GET /acme/widget.git/info/refs?service=git-upload-pack", "", "", "Authorization", "Basic x-access-token:{S}" },
        { "copilot", "api.githubcopilot.com", "POST /chat/completions", "Authorization: Bearer {P}", "{}", "Authorization", "Bearer {S}" },
        { "copilot", "api.business.githubcopilot.com", "POST /chat/completions", "Authorization: Bearer {P}", "{}", "Authorization", "Bearer {S}" },
        { "anthropic", "api.anthropic.com", "POST /v1/messages", "x-api-key: {P}", "{}", "x-api-key", "{S}" },
        { "claude", "api.anthropic.com", "POST /v1/messages", "Authorization: Bearer {P}", "{}", "Authorization", "Bearer {S}" },
        { "openai", "api.openai.com", "POST /v1/responses", "Authorization: Bearer {P}", "{}", "Authorization", "Bearer {S}" },
        { "gemini", "generativelanguage.googleapis.com", "POST /v1beta/models/x:generateContent", "x-goog-api-key: {P}", "{}", "x-goog-api-key", "{S}" },
        { "graphite", "api.graphite.com", "POST /v1/graphite/submit", "Authorization: token {P}", "{}", "Authorization", "token {S}" },
        { "gcloud", "storage.googleapis.com", "GET /storage/v1/b?project=x", "Authorization: Bearer {P}", "", "Authorization", "Bearer {S}" },
        { "azure", "management.azure.com", "GET /subscriptions?api-version=2022-12-01", "Authorization: Bearer {P}", "", "Authorization", "Bearer {S}" },
        { "meta", "graph.facebook.com", "GET /v20.0/me", "Authorization: Bearer {P}", "", "Authorization", "Bearer {S}" },
        { "gitlab", "gitlab.com", "GET /api/v4/user", "PRIVATE-TOKEN: {P}", "", "PRIVATE-TOKEN", "{S}" },
        { "brave-search", "api.search.brave.com", "GET /res/v1/web/search?q=x", "X-Subscription-Token: {P}", "", "X-Subscription-Token", "{S}" },
        { "elevenlabs", "api.elevenlabs.io", "GET /v1/user", "xi-api-key: {P}", "", "xi-api-key", "{S}" },
        { "linear", "api.linear.app", "POST /graphql", "Authorization: {P}", "{}", "Authorization", "{S}" },
        { "sentry", "acme.sentry.io", "GET /api/0/organizations/", "Authorization: Bearer {P}", "", "Authorization", "Bearer {S}" },
        { "datadog", "api.us3.datadoghq.com", "GET /api/v1/validate", "DD-API-KEY: {P}", "", "DD-API-KEY", "{S}" },
        { "vercel", "api.vercel.com", "GET /v2/user", "Authorization: Bearer {P}", "", "Authorization", "Bearer {S}" },
        { "telegram", "api.telegram.org", "GET /bot{P}/getMe", "", "", "target", "/bot{S}/getMe" },
        { "telegram", "api.telegram.org", "GET /file/bot{P}/photos/1.jpg", "", "", "target", "/file/bot{S}/photos/1.jpg" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task The_vendor_gets_the_credential_once_and_in_its_place(string grant, string host, string request, string header, string body, string place, string expected)
    {
        Scene? scene = null;
        var standIn = new StandIn(() => scene!.Secret, place, expected);
        await using var started = scene = await Scene.StartAsync(standIn.AnswerAsync, new SceneOptions { Grants = [grant], Hosts = [host] });
        using var response = await SendAsync(scene, host, request, header, body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        // The stand-in is no rubber stamp: the same request without the gateway's help is refused.
        scene.Grants.Unlocked[0].Dispose();
        using var denied = await SendAsync(scene, host, request, header, body);
        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
    }

    [Fact]
    public void Every_provider_with_bindings_of_its_own_has_a_row()
    {
        // A signature is no token in a place: AwsTests.
        var tested = Requests.Select(row => row.Data.Item1).ToHashSet();
        Assert.All(ProviderCatalog.Load(null).Providers.Where(provider => !provider.Bindings.IsEmpty && provider.Name != "aws"), provider => Assert.Contains(provider.Name, tested));
    }

    [Theory]
    [InlineData("Bearer {S}", "", HttpStatusCode.OK)]
    [InlineData("", "", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer x{S}", "", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer {S}", "?again={S}", HttpStatusCode.Unauthorized)]
    public async Task The_stand_in_refuses_what_is_wrong_missing_or_doubled(string authorization, string query, HttpStatusCode expected)
    {
        const string Secret = "some-secret-of-the-vendor";
        await using var scene = await Scene.StartAsync(new StandIn(() => Secret, "Authorization", "Bearer {S}").AnswerAsync);
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{Scene.Plain}/{query.Replace("{S}", Secret, StringComparison.Ordinal)}"));
        if (authorization.Length > 0)
            request.Headers.TryAddWithoutValidation("Authorization", authorization.Replace("{S}", Secret, StringComparison.Ordinal));
        using var response = await client.SendAsync(request);
        Assert.Equal(expected, response.StatusCode);
    }

    [Theory]
    [InlineData("github", "copilot", "api.github.com", "Authorization: Bearer {P}", "Bearer {S}")]
    [InlineData("copilot", "github", "api.github.com", "Authorization: Bearer {P}", "Bearer {S}")]
    [InlineData("copilot", "github", "github.com", "Authorization: Basic x:{P}", "Basic x-access-token:{S}")]
    public async Task Two_grants_of_one_vendor_are_told_apart(string meant, string other, string host, string header, string expected)
    {
        Scene? scene = null;
        var standIn = new StandIn(() => Encoding.ASCII.GetString(scene!.Grants.Unlocked[0].Secret.Reveal()), "Authorization", expected);
        await using var started = scene = await Scene.StartAsync(standIn.AnswerAsync, new SceneOptions { Grants = [meant, other], Hosts = [host] });
        using var response = await SendAsync(scene, host, "GET /user", header, "");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData(null, "oauth-2025-04-20")]
    [InlineData("context-1m-2025-08-07", "context-1m-2025-08-07,oauth-2025-04-20")]
    [InlineData("oauth-2025-04-20, context-1m-2025-08-07", "oauth-2025-04-20, context-1m-2025-08-07")]
    public async Task Claude_keeps_the_clients_own_betas_and_loses_its_key(string? sent, string expected)
    {
        await using var scene = await Scene.StartAsync(_ => Task.CompletedTask, new SceneOptions { Grants = ["claude"], Hosts = ["api.anthropic.com"] });
        using var client = scene.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("https://api.anthropic.com/v1/messages"));
        request.Headers.TryAddWithoutValidation("x-api-key", "somebody-elses");
        if (sent is not null)
            request.Headers.TryAddWithoutValidation("anthropic-beta", sent);
        using var response = await client.SendAsync(request);
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal(expected, seen.Headers["anthropic-beta"]);
        Assert.False(seen.Headers.ContainsKey("x-api-key"));
    }

    [Theory]
    [InlineData("claude", "anthropic", "Authorization: Bearer {P}", "Authorization", "Bearer {S}")]
    [InlineData("anthropic", "claude", "x-api-key: {P}", "x-api-key", "{S}")]
    public async Task A_subscription_and_a_key_are_told_apart(string meant, string other, string header, string place, string expected)
    {
        Scene? scene = null;
        var standIn = new StandIn(() => Encoding.ASCII.GetString(scene!.Grants.Unlocked[0].Secret.Reveal()), place, expected);
        await using var started = scene = await Scene.StartAsync(standIn.AnswerAsync, new SceneOptions { Grants = [meant, other], Hosts = ["api.anthropic.com"] });
        using var response = await SendAsync(scene, "api.anthropic.com", "POST /v1/messages", header, "{}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(Assert.Single(scene.Upstream.Seen).Headers.ContainsKey(place == "x-api-key" ? "Authorization" : "x-api-key"));
    }

    [Theory]
    [InlineData("POST", "", "access_token={P}&message=hello")]
    [InlineData("GET", "?fields=id&access_token={P}", "")]
    public async Task Meta_takes_its_token_as_a_parameter_too(string method, string query, string body)
    {
        await using var scene = await Scene.StartAsync(
            async context => context.Response.Headers["X-Body"] = await new StreamReader(context.Request.Body).ReadToEndAsync(), new SceneOptions { Grants = ["meta"], Hosts = ["graph.facebook.com"] });
        using var response = await SendAsync(scene, "graph.facebook.com", $"{method} /me/feed{query}", "", body, "application/x-www-form-urlencoded");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var seen = Assert.Single(scene.Upstream.Seen);
        Assert.Equal("/me/feed" + query.Replace("{P}", scene.Secret, StringComparison.Ordinal), seen.Target);
        Assert.Equal(body.Length > 0 ? "access_token=[moat:redacted]" : "", response.Headers.GetValues("X-Body").Single().Split('*')[0].Split('&')[0]);
    }

    private static async Task<HttpResponseMessage> SendAsync(Scene scene, string host, string request, string header, string body, string type = "application/json")
    {
        var placeholder = scene.Grants.Unlocked[0].Placeholder;
        string Fill(string text) => text.Replace("{P}", placeholder, StringComparison.Ordinal);
        var words = request.Split(' ', 2);
        using var client = scene.Client();
        using var message = new HttpRequestMessage(new HttpMethod(words[0]), new Uri($"https://{host}{Fill(words[1])}"));
        if (header.Split(": ", 2) is [var name, var value])
        {
            value = Fill(value);
            message.Headers.TryAddWithoutValidation(name, value.StartsWith("Basic ", StringComparison.Ordinal) ? "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes(value[6..])) : value);
        }
        if (body.Length > 0)
            message.Content = new StringContent(Fill(body), Encoding.ASCII, type);
        return await client.SendAsync(message);
    }

    private sealed class StandIn(Func<string> secret, string place, string expected)
    {
        public async Task AnswerAsync(HttpContext context)
        {
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
            var wanted = expected.Replace("{S}", secret(), StringComparison.Ordinal);
            if (wanted.StartsWith("Basic ", StringComparison.Ordinal))
                wanted = "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes(wanted[6..]));
            var everything = context.Request.Headers.SelectMany(header => header.Value.Select(value => value ?? "")).Append(target).Append(body).ToList();
            var there = place == "target" ? target == wanted : context.Request.Headers[place] == wanted;
            var once = everything.Count(text => text.Contains(secret(), StringComparison.Ordinal) || text == wanted) == 1;
            context.Response.StatusCode = there && once ? 200 : 401;
        }
    }
}
