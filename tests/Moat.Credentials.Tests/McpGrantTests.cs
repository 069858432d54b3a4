using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class McpGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly string _token = TestFolder.NewToken();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("mcp:context7", null, null, "mcp.context7.com", "CONTEXT7_API_KEY", "", null, "/mcp/**", "MCP_CONTEXT7_TOKEN")]
    [InlineData("mcp:linear", null, null, "mcp.linear.app", "Authorization", "Bearer ", null, "/mcp/**", "MCP_LINEAR_TOKEN")]
    [InlineData("mcp:stripe", null, null, "mcp.stripe.com", "Authorization", "Bearer ", null, "/**", "MCP_STRIPE_TOKEN")]
    [InlineData("mcp:my-own.one", "https://mcp.corp.example:8443/team/mcp/", "X-Key", "mcp.corp.example", "X-Key", "", 8443, "/team/mcp/**", "MCP_MY_OWN_ONE_TOKEN")]
    [InlineData("mcp:linear", "https://mcp.eu.example/", null, "mcp.eu.example", "Authorization", "Bearer ", null, "/**", "MCP_LINEAR_TOKEN")]
    public async Task A_server_gets_its_credential_at_its_endpoint_alone(string name, string? url, string? header, string host, string expectedHeader, string prefix, int? port, string path, string variable)
    {
        await GrantAsync(new GrantRequest(name) { Url = url, Header = header });
        using var vault = _folder.Vault();
        var catalog = ProviderCatalog.Load(null);
        using var grant = GrantUnlocker.Unlock(UnlockedGrantTests.Spec(name), vault, catalog, new byte[32]).Single();
        Assert.Equal([new InjectionBinding(host, expectedHeader, InjectionSlot.Header, prefix, port) { Path = path }], grant.Bindings);
        Assert.Equal([KeyValuePair.Create(variable, grant.Placeholder)], grant.Env);
        Assert.True(grant.TryGetValue(0, out var value));
        Assert.Equal(prefix + _token, value);
        Assert.Equal((host, port ?? 443), GrantRules.For([new GrantSpec(name)], catalog, vault).Select(rule => (rule.Host, rule.Port!.Value)).Single());
        Assert.Equal([name], new GrantService(vault, catalog).List().Select(info => info.Name));
    }

    [Theory]
    [InlineData("mcp:unheard-of", null, null, "not known")]
    [InlineData("mcp:x", "http://mcp.example/", null, "no https address")]
    [InlineData("mcp:x", "https://u:p@mcp.example/", null, "no https address")]
    [InlineData("mcp:x", "https://mcp.example/?a=b", null, "no https address")]
    [InlineData("mcp:x", "https://mcp.example/a;b", null, "cannot be matched")]
    [InlineData("mcp:x", "nonsense", null, "no https address")]
    [InlineData("mcp:x", "https://mcp.example/", "Host", "no header")]
    [InlineData("mcp:x", "https://mcp.example/", "X Key", "no header")]
    [InlineData("mcp:", "https://mcp.example/", null, "no grant provider")]
    [InlineData("mcp:../x", "https://mcp.example/", null, "no grant provider")]
    [InlineData("github", "https://mcp.example/", null, "its own places")]
    [InlineData("github", null, "X-Key", "its own places")]
    public async Task What_is_no_server_is_refused(string name, string? url, string? header, string problem)
        => Assert.Contains(problem, (await Assert.ThrowsAsync<MoatException>(() => GrantAsync(new GrantRequest(name) { Url = url, Header = header }))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_run_that_wants_a_server_that_is_not_granted_is_told_how()
    {
        using var vault = _folder.Vault();
        Assert.Equal("run: moat grant mcp:linear", Assert.Throws<MoatException>(() => GrantRules.For([new GrantSpec("mcp:linear")], ProviderCatalog.Load(null), vault)).Mend);
    }

    private async Task GrantAsync(GrantRequest request)
    {
        using var vault = _folder.Vault();
        await new GrantService(vault, ProviderCatalog.Load(null), environment: name => name.StartsWith("MCP_", StringComparison.Ordinal) ? _token : null).GrantAsync(request with { NoValidate = true }, Ct);
    }
}
