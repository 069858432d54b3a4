using System.Text;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class NpmGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly string _token = TestFolder.NewToken("npm_");
    private readonly string _password = TestFolder.NewToken();

    public NpmGrantTests() => _environment["HOME"] = _folder.Path;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_registry_with_a_credential_gets_a_binding_a_placeholder_and_a_line_of_its_own()
    {
        _environment["CORP_TOKEN"] = _token;
        _folder.Write(".npmrc", $"""
            ; my registries
            registry = https://registry.corp.example/npm/
            @acme:registry=https://packages.acme.example:8443/
            @open:registry=https://open.example/
            # //commented.example/:_authToken=x
            //packages.acme.example:8443/:_auth={Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _password))}
            //registry.corp.example/npm/:_authToken=${"{CORP_TOKEN}"}
            //registry.corp.example/other/:username=jo
            //registry.corp.example/other/:_password="{Convert.ToBase64String(Encoding.ASCII.GetBytes(_password + "2"))}"
            //registry.corp.example/empty/:_authToken=${"{NOT_SET}"}
            //packages.acme.example:8443/:always-auth=true
            """);
        var info = await GrantAsync(new GrantRequest("npm") { NoValidate = true });
        Assert.Equal(["packages.acme.example:8443", "registry.corp.example"], info.Hosts.Order());

        using var vault = _folder.Vault();
        using var stored = vault.Get("npm")!;
        Assert.Equal(_token, TestFolder.Text(stored.Token));
        Assert.Equal([_password, _password + "2"], stored.Parts.Values.Select(TestFolder.Text).Order());
        Assert.Equal(
        [
            new InjectionBinding("registry.corp.example", "Authorization", InjectionSlot.Header, "Bearer ") { Path = "/npm/**" },
            new InjectionBinding("packages.acme.example", "Authorization", InjectionSlot.BasicPassword, "robot", 8443) { Part = "//packages.acme.example:8443/" },
            new InjectionBinding("registry.corp.example", "Authorization", InjectionSlot.BasicPassword, "jo") { Path = "/other/**", Part = "//registry.corp.example/other/" },
        ], stored.Bindings.OrderBy(binding => binding.Part, StringComparer.Ordinal));

        using var grant = GrantUnlocker.Unlock(UnlockedGrantTests.Spec("npm"), vault, ProviderCatalog.Load(null), new byte[32]).Single();
        var file = Assert.Single(grant.Files);
        Assert.Equal(".npmrc", file.Path);
        var lines = file.Text.TrimEnd().Split('\n');
        Assert.Contains("registry=https://registry.corp.example/npm/", lines);
        Assert.Contains("@acme:registry=https://packages.acme.example:8443/", lines);
        Assert.Contains("@open:registry=https://open.example/", lines);
        Assert.Contains($"//registry.corp.example/npm/:_authToken={grant.Placeholder}", lines);
        var placeholders = Enumerable.Range(0, 3).Select(grant.PlaceholderOf).ToArray();
        Assert.Equal(3, placeholders.Distinct().Count());
        var acme = Assert.Single(lines, line => line.StartsWith("//packages.acme.example:8443/:_auth=", StringComparison.Ordinal))["//packages.acme.example:8443/:_auth=".Length..];
        Assert.Contains(Encoding.ASCII.GetString(Convert.FromBase64String(acme)), placeholders.Select(placeholder => "robot:" + placeholder));
        Assert.Equal(6, lines.Length);
        Assert.DoesNotContain(_token, file.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(_password, file.Text, StringComparison.Ordinal);

        var rules = GrantRules.For([new GrantSpec("npm")], ProviderCatalog.Load(null), vault);
        Assert.Equal([("packages.acme.example", 8443), ("registry.corp.example", 443)], rules.Select(rule => (rule.Host, rule.Port!.Value)).Order());
    }

    [Fact]
    public async Task A_token_from_the_environment_is_for_the_configured_registry_alone()
    {
        _environment["NPM_TOKEN"] = _token;
        _folder.Write(".npmrc", "registry=https://registry.corp.example/\n");
        await GrantAsync(new GrantRequest("npm") { NoValidate = true });
        using var vault = _folder.Vault();
        using var stored = vault.Get("npm")!;
        Assert.Equal("registry.corp.example", Assert.Single(stored.Bindings).Host);
        Assert.Equal("the variable NPM_TOKEN", stored.Metadata["source"]);
    }

    [Fact]
    public async Task Npm_itself_is_asked_where_nothing_is_configured_and_no_registry_is_assumed_without_it()
    {
        _environment["NPM_TOKEN"] = _token;
        var error = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(new GrantRequest("npm") { NoValidate = true }));
        Assert.Contains("not known", error.Message, StringComparison.Ordinal);
        _environment["PATH"] = Path.GetDirectoryName(_folder.Write("bin/npm", "#!/bin/sh\necho https://answer.example/\n", UnixFileMode.UserRead | UnixFileMode.UserExecute))!;
        Assert.Equal(["answer.example"], (await GrantAsync(new GrantRequest("npm") { NoValidate = true })).Hosts);
    }

    [Theory]
    [InlineData("registry=http://r.example/\n//r.example/:_authToken={T}\n", "cleartext")]
    [InlineData("//r.example/:_auth=bm9jb2xvbg==\n", "no credential")]
    [InlineData("//user@r.example/:_authToken={T}\n", "no registry")]
    [InlineData("//R.example/../x/:_authToken={T}\n", "no registry")]
    [InlineData("//exa mple/:_authToken={T}\n", "no registry")]
    [InlineData("//r.example/:_authToken=short\n", "shorter")]
    public async Task What_cannot_be_kept_is_refused_and_no_text_holds_the_credential(string file, string problem)
    {
        _folder.Write(".npmrc", file.Replace("{T}", _token, StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(new GrantRequest("npm") { NoValidate = true }));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_token, error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("200 OK", null)]
    [InlineData("404 Not Found", null)]
    [InlineData("401 Unauthorized", "does not accept")]
    public async Task Each_registry_is_asked_who_the_credential_is(string answer, string? problem)
    {
        await using var api = new LoopbackApi(LoopbackApi.Answer(answer), tls: true);
        _folder.Write(".npmrc", $"//127.0.0.1:{api.Port}/npm/:_auth={Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _password))}\n");
        using var handler = api.TrustingHandler();
        if (problem is null) await GrantAsync(new GrantRequest("npm"), handler);
        else Assert.Contains(problem, (await Assert.ThrowsAsync<MoatException>(() => GrantAsync(new GrantRequest("npm"), handler))).Message, StringComparison.Ordinal);
        var head = Assert.Single(api.Heads);
        Assert.StartsWith("GET /npm/-/whoami ", head, StringComparison.Ordinal);
        Assert.Contains($"Authorization: Basic {Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:" + _password))}\n", head, StringComparison.Ordinal);
    }

    private async Task<GrantInfo> GrantAsync(GrantRequest request, HttpMessageHandler? handler = null)
    {
        using var vault = _folder.Vault();
        return await new GrantService(vault, ProviderCatalog.Load(null), handler, _environment.GetValueOrDefault).GrantAsync(request, Ct);
    }
}
