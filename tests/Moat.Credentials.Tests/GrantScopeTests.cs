using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class GrantScopeTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Requests_and_presets_become_rules()
    {
        var provider = ProviderCatalog.Load(null).Get("github");
        Assert.Null(GrantScope.Parse(provider, []));
        var scope = GrantScope.Parse(provider, ["GET /user", "api.github.com * /gists/**"])!;
        Assert.Equal("GET /user, api.github.com * /gists/**", scope.Text);
        Assert.Equal([new GrantScopeRule("", "GET", "/user"), new GrantScopeRule("api.github.com", "*", "/gists/**")], scope.Rules);
        var presets = GrantScope.Parse(provider, ["repo acme/widget read-only"])!;
        Assert.All(presets.Rules, rule => Assert.Contains("acme/widget", rule.Path, StringComparison.Ordinal));
        Assert.DoesNotContain(presets.Rules, rule => rule.Method == "*" || (rule.Method == "POST" && !rule.Path.EndsWith("/git-upload-pack", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("github", "readonly")]
    [InlineData("github", "repo acme")]
    [InlineData("github", "repo acme/../x")]
    [InlineData("github", "repo acme/*")]
    [InlineData("github", "repo a/b write")]
    [InlineData("github", "get /user")]
    [InlineData("github", "GET user")]
    [InlineData("github", "GET /user*")]
    [InlineData("github", "GET /a/%2e%2e/b")]
    [InlineData("github", "GET /a;b")]
    [InlineData("github", "GET /a//b")]
    [InlineData("github", "evil.example GET /user")]
    [InlineData("github", "")]
    [InlineData("openai", "read-only")]
    public void What_is_neither_is_refused_before_anything_is_asked_for(string provider, string entry)
    {
        var error = Assert.Throws<MoatException>(() => GrantScope.Parse(ProviderCatalog.Load(null).Get(provider), [entry]));
        Assert.Contains(provider, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_is_stored_with_the_grant_shown_and_opened_with_it()
    {
        using var vault = _folder.Vault();
        var token = TestFolder.NewToken();
        var catalog = ProviderCatalog.Load(null);
        var service = new GrantService(vault, catalog, environment: name => name == "GH_TOKEN" ? token : null);
        await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(new GrantRequest("github") { NoValidate = true, Scope = ["nonsense"] }, TestContext.Current.CancellationToken));
        await service.GrantAsync(new GrantRequest("github") { NoValidate = true, Scope = ["read-only"] }, TestContext.Current.CancellationToken);
        Assert.Equal(["read-only"], service.Show("github").Scope);
        var spec = UnlockedGrantTests.Spec("github");
        using var grant = GrantUnlocker.Unlock(spec with { Grants = [new GrantSpec("gh") { Allow = ["GET /user"] }] }, vault, catalog, new byte[32]).Single();
        Assert.Equal(["read-only", "GET /user"], grant.Scopes.Select(scope => scope.Text));
        using var both = GrantUnlocker.Unlock(spec with { Grants = [new GrantSpec("github"), new GrantSpec("gh") { Allow = ["GET /user"] }] }, vault, catalog, new byte[32]).Single();
        Assert.Equal(2, both.Scopes.Length);
    }
}
