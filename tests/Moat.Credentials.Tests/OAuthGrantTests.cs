using System.Net;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class OAuthGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly AuthorizationServer _server = new();
    private readonly List<string> _told = [];
    private Task<HttpStatusCode> _browser = Task.FromResult(HttpStatusCode.OK);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("oauth:team", "OAUTH_TEAM_TOKEN")]
    [InlineData("mcp:team", "MCP_TEAM_TOKEN")]
    [InlineData("mcp:context7", "MCP_CONTEXT7_TOKEN")]
    public async Task A_login_finds_its_server_by_what_the_resource_says_and_its_token_goes_to_that_resource_alone(string name, string variable)
    {
        await GrantAsync(name);
        Assert.Equal(HttpStatusCode.OK, await _browser);
        using var vault = _folder.Vault();
        var catalog = ProviderCatalog.Load(null);
        using var grant = GrantUnlocker.Unlock(UnlockedGrantTests.Spec(name), vault, catalog, new byte[32]).Single();
        Assert.Equal([new InjectionBinding("mcp.example.org", "Authorization", InjectionSlot.Header, "Bearer ") { Path = "/team/mcp/**" }], grant.Bindings);
        Assert.Equal([KeyValuePair.Create(variable, grant.Placeholder)], grant.Env);
        Assert.True(grant.TryGetValue(0, out var value));
        Assert.Equal("Bearer " + _server.Access, value);
        Assert.Equal(("mcp.example.org", 443), GrantRules.For([new GrantSpec(name)], catalog, vault).Select(rule => (rule.Host, rule.Port!.Value)).Single());
        Assert.StartsWith("?tenant=1&response_type=code&client_id=client-7&redirect_uri=http%3A%2F%2F127.0.0.1%3A", _server.AuthorizationQuery, StringComparison.Ordinal);
        Assert.Contains("&code_challenge_method=S256&", _server.AuthorizationQuery, StringComparison.Ordinal);
        Assert.Equal(["authorization_code", "refresh_token"], _server.Registration!["grant_types"]!.AsArray().Select(type => (string)type!));
        Assert.DoesNotContain(_told, line => line.Contains(_server.Access, StringComparison.Ordinal) || line.Contains(_server.Refresh, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("a-secret-of-the-client")]
    public async Task The_broker_renews_the_token_with_the_same_client_and_resource(string? secret)
    {
        _server.ClientSecret = secret;
        await GrantAsync("oauth:team");
        using var vault = _folder.Vault();
        var first = _server.Access;
        var later = new LaterClock(TimeSpan.FromMinutes(58));
        await RefreshBroker.EnsureFreshAsync([new GrantSpec("oauth:team")], vault, ProviderCatalog.Load(null), _server, later, Ct);
        using var stored = vault.Get("oauth:team")!;
        Assert.NotEqual(first, _server.Access);
        Assert.Equal(_server.Access, TestFolder.Text(stored.Token));
        Assert.Equal("refresh_token", _server.LastForm["grant_type"]);
    }

    [Fact]
    public async Task A_person_without_a_browser_types_a_code_and_the_server_sets_the_pace()
    {
        foreach (var error in new[] { "authorization_pending", "slow_down", "authorization_pending" }) _server.Errors.Enqueue(error);
        var clock = new SteppedClock();
        await GrantAsync("oauth:team", request => request with { UsesDevice = true }, clock);
        Assert.Contains(_told, line => line.Contains("https://login.example.org/device", StringComparison.Ordinal) && line.Contains("WDJB-MJHT", StringComparison.Ordinal));
        Assert.Equal([7, 7, 12, 12], clock.Delays.Select(delay => (int)delay.TotalSeconds));
        Assert.Null(_server.Registration!["redirect_uris"]);
        using var vault = _folder.Vault();
        using var stored = vault.Get("oauth:team")!;
        Assert.Equal(_server.Access, TestFolder.Text(stored.Token));
    }

    [Theory]
    [InlineData("access_denied", "refused there")]
    [InlineData("expired_token", "ran out")]
    [InlineData("invalid_client", "ended the login")]
    public async Task A_code_that_is_refused_or_ran_out_ends_the_login(string error, string problem)
    {
        _server.Errors.Enqueue(error);
        await RefusedAsync(problem, request => request with { UsesDevice = true }, new SteppedClock());
    }

    [Fact]
    public async Task A_code_that_nobody_types_ends_with_its_lifetime()
    {
        for (var i = 0; i < 100; i++) _server.Errors.Enqueue("authorization_pending");
        var clock = new SteppedClock();
        await RefusedAsync("ran out", request => request with { UsesDevice = true }, clock);
        Assert.InRange(clock.Delays.Count, 8, 9);
    }

    [Fact]
    public async Task An_answer_with_another_state_is_turned_away_and_the_login_goes_on()
    {
        var seen = new List<HttpStatusCode>();
        await GrantAsync("oauth:team", request => request with
        {
            OpenBrowser = page =>
            {
                _browser = Task.Run(async () =>
                {
                    var redirect = Uri.UnescapeDataString(page.Query.Split('&').First(pair => pair.StartsWith("redirect_uri=", StringComparison.Ordinal))["redirect_uri=".Length..]);
                    var state = page.Query.Split('&').First(pair => pair.StartsWith("state=", StringComparison.Ordinal));
                    var authority = new Uri(redirect).Authority;
                    // A page that guessed the port: without state, with another, doubled, at another path, by another name or method.
                    seen.Add(await AuthorizationServer.GetAsync($"{redirect}?code=stolen"));
                    seen.Add(await AuthorizationServer.GetAsync($"{redirect}?code=stolen&state=guess&iss={AuthorizationServer.Issuer}"));
                    seen.Add(await AuthorizationServer.GetAsync($"{redirect}?code=a&code=b&{state}"));
                    seen.Add(await AuthorizationServer.GetAsync($"http://{authority}/other?code=a&{state}"));
                    seen.Add(await AuthorizationServer.GetAsync($"{redirect}?code=a&{state}", method: HttpMethod.Post));
                    seen.Add(await AuthorizationServer.GetAsync($"{redirect}?code=a&{state}", host: $"rebound.example:{new Uri(redirect).Port}"));
                    return await _server.BrowseAsync(page);
                });
                return true;
            },
        });
        Assert.Equal(HttpStatusCode.OK, await _browser);
        Assert.All(seen, status => Assert.NotEqual(HttpStatusCode.OK, status));
        Assert.Equal(6, seen.Count);
    }

    [Fact]
    public async Task The_redirect_address_is_gone_after_one_answer()
    {
        Uri? page = null;
        await GrantAsync("oauth:team", request => request with
        {
            OpenBrowser = opened =>
            {
                page = opened;
                _browser = _server.BrowseAsync(opened);
                return true;
            },
        });
        await _browser;
        await Assert.ThrowsAsync<HttpRequestException>(() => _server.BrowseAsync(page!));
    }

    [Fact]
    public async Task A_mixed_up_issuer_in_the_answer_ends_the_login_before_the_code_is_shown_to_anybody()
    {
        _server.Return["iss"] = "https://attacker.example";
        await RefusedAsync("not of the authorization server");
        Assert.DoesNotContain(_server.Asked, asked => asked.EndsWith("/token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_says_it_names_its_issuer_has_to()
    {
        _server.Return["iss"] = null;
        await RefusedAsync("not of the authorization server");
        Assert.DoesNotContain(_server.Asked, asked => asked.EndsWith("/token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_injected_code_is_worth_nothing()
    {
        // The attacker's own code, with the person's state: the verifier does not fit it.
        _server.Return["code"] = "the-attackers-code";
        await RefusedAsync("refused the code (invalid_grant)");
    }

    [Theory]
    [InlineData("access_denied", "refused there")]
    [InlineData("invalid_scope", "invalid_scope")]
    [InlineData("<script>", "answered with an error")]
    public async Task An_error_of_the_server_ends_the_login_without_its_words(string error, string problem)
    {
        _server.Return["error"] = error;
        var message = await RefusedAsync(problem);
        Assert.DoesNotContain("<script>", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_another_kind_is_not_stored()
    {
        _server.TokenType = "mac";
        await RefusedAsync("no bearer token");
    }

    [Theory]
    [InlineData("issuer", "https://other.example", "another issuer")]
    [InlineData("issuer", "https://login.example.org/t1/", "another issuer")]
    [InlineData("token_endpoint", "http://login.example.org/t1/token", "no https address")]
    [InlineData("token_endpoint", "http://127.0.0.1/t1/token", "no https address")]
    [InlineData("authorization_endpoint", "file:///etc/passwd", "no https address")]
    [InlineData("authorization_endpoint", "https://login.example.org@evil.example/", "no https address")]
    [InlineData("token_endpoint", null, "no token endpoint")]
    [InlineData("registration_endpoint", null, "registers no clients")]
    [InlineData("code_challenge_methods_supported", null, "does not take S256")]
    public async Task A_server_whose_description_does_not_fit_is_refused(string field, string? value, string problem)
    {
        _server.Metadata.Remove(field);
        if (value is not null) _server.Metadata[field] = value;
        await RefusedAsync(problem);
        Assert.Empty(_server.AuthorizationQuery);
    }

    [Theory]
    [InlineData("https://mcp.example.org/other")]
    [InlineData("https://evil.example/team/mcp")]
    [InlineData("https://mcp.example.org/tea")]
    public async Task A_resource_that_describes_another_one_is_refused(string resource)
    {
        _server.ResourceMetadata["resource"] = resource;
        await RefusedAsync("describes another resource");
    }

    [Fact]
    public async Task A_resource_whose_description_is_at_another_host_is_refused()
    {
        _server.Challenge = "Bearer resource_metadata=\"https://evil.example/.well-known/oauth-protected-resource\"";
        await RefusedAsync("refers to evil.example");
    }

    [Fact]
    public async Task Without_a_challenge_the_well_known_address_is_asked()
    {
        _server.Challenge = null;
        await GrantAsync("oauth:team");
    }

    [Fact]
    public async Task Flags_beat_the_file_and_the_file_beats_discovery()
    {
        var folder = Path.GetDirectoryName(_folder.Write("oauth/team.yaml", $"url: {AuthorizationServer.Resource}\nauth_url: https://file.example/authorize\ntoken_url: https://file.example/token\nclient_id: of-the-file\nclient_secret: env://TEAM_SECRET\nscopes: [read, write]\n"))!;
        Uri? page = null;
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync("oauth:team", request => request with
        {
            Folder = folder,
            AuthUrl = "https://flag.example/authorize",
            OpenBrowser = opened =>
            {
                page = opened;
                _browser = _server.BrowseAsync(opened);
                return true;
            },
        }, url: null));
        await _browser;
        // The file's token endpoint is none of the stand-in's: 404.
        Assert.Contains("not completed", refused.Message, StringComparison.Ordinal);
        Assert.Equal("flag.example", page!.Host);
        Assert.Contains("client_id=of-the-file", page.Query, StringComparison.Ordinal);
        Assert.Contains("scope=read%20write", page.Query, StringComparison.Ordinal);
        Assert.Equal(["POST https://file.example/token"], _server.Asked);
    }

    [Fact]
    public async Task A_files_own_secret_may_be_read_by_nobody_else()
    {
        var folder = Path.GetDirectoryName(_folder.Write("oauth/team.yaml", "client_id: x-client\nclient_secret: in-the-open\n", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead))!;
        await RefusedAsync("team.yaml", request => request with { Folder = folder });
    }

    [Fact]
    public async Task A_secret_as_an_argument_is_refused()
        => await RefusedAsync("not the secret", request => request with { ClientId = "client-7", ClientSecret = "the-secret-itself" });

    [Fact]
    public async Task Without_a_person_there_is_no_login()
    {
        using var vault = _folder.Vault();
        var refused = await Assert.ThrowsAsync<MoatException>(() => new GrantService(vault, ProviderCatalog.Load(null), _server).GrantAsync(new GrantRequest("oauth:team") { Url = AuthorizationServer.Resource }, Ct));
        Assert.Equal("run it in a terminal: moat grant oauth team", refused.Mend);
    }

    [Fact]
    public async Task A_grant_of_another_kind_has_no_login()
    {
        using var vault = _folder.Vault();
        await Assert.ThrowsAsync<MoatException>(() => new GrantService(vault, ProviderCatalog.Load(null), _server).GrantAsync(new GrantRequest("github") { LogsIn = true }, Ct));
    }

    private async Task<string> RefusedAsync(string problem, Func<OAuthRequest, OAuthRequest>? change = null, TimeProvider? time = null)
    {
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync("oauth:team", change, time));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        await _browser;
        using var vault = _folder.Vault();
        Assert.Null(vault.Version("oauth:team"));
        return refused.Message;
    }

    private async Task GrantAsync(string name, Func<OAuthRequest, OAuthRequest>? change = null, TimeProvider? time = null, string? url = AuthorizationServer.Resource)
    {
        using var vault = _folder.Vault();
        var request = new OAuthRequest
        {
            Tell = _told.Add,
            OpenBrowser = page =>
            {
                _browser = _server.BrowseAsync(page);
                return true;
            },
        };
        await new GrantService(vault, ProviderCatalog.Load(null), _server, variable => variable == "TEAM_SECRET" ? "secret-of-the-team" : null, time)
            .GrantAsync(new GrantRequest(name) { LogsIn = true, Url = url, OAuth = change?.Invoke(request) ?? request }, Ct);
    }

    private sealed class LaterClock(TimeSpan ahead) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;
    }

    /// <summary>Every wait is over at once, and the clock then shows that it was waited.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        private DateTimeOffset _now = System.GetUtcNow();

        internal List<TimeSpan> Delays { get; } = [];

        public override DateTimeOffset GetUtcNow() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Delays.Add(dueTime);
            _now += dueTime;
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
