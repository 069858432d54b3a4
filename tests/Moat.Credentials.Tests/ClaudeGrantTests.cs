using System.Net;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class ClaudeGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly string _access = TestFolder.NewToken("sk-ant-oat01-"), _refresh = TestFolder.NewToken("sk-ant-ort01-");

    public ClaudeGrantTests() => _environment["HOME"] = _folder.Path;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_login_of_claude_code_is_imported_with_its_refresh_token()
    {
        var expires = DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.AddHours(7).ToUnixTimeMilliseconds());
        Login(expires);
        var info = await GrantAsync(new GrantRequest("claude") { NoValidate = true });
        Assert.Equal(expires, info.ExpiresAt);
        using var vault = _folder.Vault();
        using var stored = vault.Get("claude")!;
        Assert.Equal((_access, _refresh), (TestFolder.Text(stored.Token), TestFolder.Text(stored.Parts[RefreshInfo.RefreshPart])));
        Assert.StartsWith("https://", stored.Refresh!.TokenUrl, StringComparison.Ordinal);

        using var grant = GrantUnlocker.Unlock(UnlockedGrantTests.Spec("claude"), vault, ProviderCatalog.Load(null), new byte[32]).Single();
        var file = Assert.Single(grant.Files);
        Assert.Equal(".claude/.credentials.json", file.Path);
        var inside = JsonDocument.Parse(file.Text).RootElement.GetProperty("claudeAiOauth");
        Assert.Equal(grant.Placeholder, inside.GetProperty("accessToken").GetString());
        Assert.NotEqual(grant.Placeholder, inside.GetProperty("refreshToken").GetString());
        Assert.Equal(["user:inference", "user:profile"], inside.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
        Assert.Equal("max", inside.GetProperty("subscriptionType").GetString());
        Assert.True(inside.GetProperty("expiresAt").GetInt64() > DateTimeOffset.UtcNow.AddYears(10).ToUnixTimeMilliseconds());
        Assert.DoesNotContain(_access, file.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(_refresh, file.Text, StringComparison.Ordinal);
        Assert.Contains(grant.SecretForms(), form => form.AsSpan().SequenceEqual(System.Text.Encoding.ASCII.GetBytes(_refresh)));
    }

    [Fact]
    public async Task A_setup_token_wins_over_the_login_and_is_pasted_where_there_is_neither()
    {
        Login(DateTimeOffset.UtcNow.AddHours(7));
        _environment["CLAUDE_CODE_OAUTH_TOKEN"] = _access + "setup";
        await GrantAsync(new GrantRequest("claude") { NoValidate = true });
        Assert.Equal((_access + "setup", null), Stored());
        _environment.Remove("CLAUDE_CODE_OAUTH_TOKEN");
        _environment["CLAUDE_CONFIG_DIR"] = _folder.File("nowhere");
        await GrantAsync(new GrantRequest("claude") { NoValidate = true, Prompt = text => text.Contains("setup-token", StringComparison.Ordinal) ? Secret.FromText(_access + "pasted") : null });
        Assert.Equal((_access + "pasted", null), Stored());
    }

    [Fact]
    public async Task A_login_that_has_run_out_is_renewed_before_it_is_granted()
    {
        Login(DateTimeOffset.UtcNow.AddHours(-1));
        var requests = new List<string>();
        using var handler = new Answers(async request =>
        {
            requests.Add(request.RequestUri + " " + await request.Content!.ReadAsStringAsync(Ct));
            return request.RequestUri!.Host == "platform.claude.com"
                ? new HttpResponseMessage(HttpStatusCode.TooManyRequests)
                : new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent($$"""{"access_token":"{{_access}}2","expires_in":28800}""") };
        });
        var info = await GrantAsync(new GrantRequest("claude"), handler);
        Assert.True(info.ExpiresAt > DateTimeOffset.UtcNow.AddHours(7));
        // The endpoint that turns this network away is followed by the API's own; the refresh token stays when no new one came.
        Assert.Equal(["platform.claude.com", "api.anthropic.com"], requests.Select(request => new Uri(request.Split(' ')[0]).Host));
        Assert.All(requests, request => Assert.Contains($"\"refresh_token\":\"{_refresh}\"", request, StringComparison.Ordinal));
        Assert.Equal((_access + "2", _refresh), Stored());
    }

    [Fact]
    public async Task A_login_that_cannot_be_renewed_is_not_kept()
    {
        Login(DateTimeOffset.UtcNow.AddHours(-1));
        using var handler = new Answers(_ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.BadRequest) { Content = new StringContent("""{"error":"invalid_grant"}""") }));
        var error = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(new GrantRequest("claude"), handler));
        Assert.DoesNotContain(_refresh, error.ToString(), StringComparison.Ordinal);
        using var vault = _folder.Vault();
        Assert.Empty(vault.List());
    }

    [Theory]
    [InlineData("anthropic", "claude")]
    [InlineData("claude", "anthropic")]
    public void What_would_hand_a_further_credential_to_the_agent_is_denied_whichever_grant_comes_first(string one, string other)
    {
        using var vault = _folder.Vault();
        var rule = Assert.Single(GrantRules.For([new GrantSpec(one), new GrantSpec(other)], ProviderCatalog.Load(null), vault));
        Assert.Equal([new(false, "*", "/api/oauth/claude_cli/create_api_key"), new(false, "*", "/v1/oauth/**"), new RequestRuleSpec(true, "*", "/**")], rule.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"claudeAiOauth":1}""")]
    [InlineData("""{"claudeAiOauth":{"accessToken":5}}""")]
    [InlineData("""{"claudeAiOauth":{"accessToken":"" """)]
    public async Task A_file_without_a_login_is_told_without_its_content(string json)
    {
        _folder.Write(".claude/.credentials.json", json);
        var error = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(new GrantRequest("claude") { NoValidate = true }));
        Assert.Contains("no login", error.Message, StringComparison.Ordinal);
    }

    private void Login(DateTimeOffset expires) => _folder.Write(".claude/.credentials.json",
        $$$"""{"claudeAiOauth":{"accessToken":"{{{_access}}}","refreshToken":"{{{_refresh}}}","expiresAt":{{{expires.ToUnixTimeMilliseconds()}}},"scopes":["user:inference","user:profile"],"subscriptionType":"max"}}""");

    private (string Token, string? Refresh) Stored()
    {
        using var vault = _folder.Vault();
        using var stored = vault.Get("claude")!;
        return (TestFolder.Text(stored.Token), stored.Parts.TryGetValue(RefreshInfo.RefreshPart, out var refresh) ? TestFolder.Text(refresh) : null);
    }

    private async Task<GrantInfo> GrantAsync(GrantRequest request, HttpMessageHandler? handler = null)
    {
        using var vault = _folder.Vault();
        return await new GrantService(vault, ProviderCatalog.Load(null), handler, _environment.GetValueOrDefault).GrantAsync(request, Ct);
    }

    private sealed class Answers(Func<HttpRequestMessage, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => answer(request);
    }
}
