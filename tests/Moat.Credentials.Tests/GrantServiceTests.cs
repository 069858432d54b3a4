using System.Globalization;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class GrantServiceTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly string _token = TestFolder.NewToken();
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_credential_is_checked_with_the_provider_and_stored(bool tls)
    {
        await using var api = new LoopbackApi(LoopbackApi.Answer("200 OK"), tls);
        using var vault = _folder.Vault();
        using var handler = tls ? api.TrustingHandler() : null;
        var service = Service(vault, Provider(api.Port, "header: X-Key, prefix: \"Key \"", "/me", tls), handler);
        var info = await service.GrantAsync(new GrantRequest("acme"), Ct);
        var head = Assert.Single(api.Heads);
        Assert.StartsWith("GET /me HTTP/1.1\n", head, StringComparison.Ordinal);
        Assert.Contains($"X-Key: Key {_token}\n", head, StringComparison.Ordinal);
        Assert.Equal("the variable ACME_KEY", info.Source);
        Assert.Equal(_token, Stored(vault));
        Assert.Equal([$"127.0.0.1:{api.Port}"], service.List().Single().Hosts);
    }

    [Fact]
    public async Task A_token_in_the_path_is_checked_in_the_path_and_in_no_header()
    {
        await using var api = new LoopbackApi(LoopbackApi.Answer("200 OK"));
        using var vault = _folder.Vault();
        await Service(vault, Provider(api.Port, "format: path", "/bot${token}/getMe")).GrantAsync(new GrantRequest("acme"), Ct);
        var head = Assert.Single(api.Heads);
        Assert.StartsWith($"GET /bot{_token}/getMe HTTP/1.1\n", head, StringComparison.Ordinal);
        Assert.Equal(head.IndexOf(_token, StringComparison.Ordinal), head.LastIndexOf(_token, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("401 Unauthorized", "does not accept")]
    [InlineData("403 Forbidden", "does not accept")]
    [InlineData("500 Oops", "did not say")]
    public async Task What_the_provider_refuses_is_not_stored_and_no_text_holds_it(string status, string problem)
    {
        await using var api = new LoopbackApi(LoopbackApi.Answer(status, "", _token));
        using var vault = _folder.Vault();
        var error = await Assert.ThrowsAsync<MoatException>(() => Service(vault, Provider(api.Port, "format: path", "/bot${token}/getMe")).GrantAsync(new GrantRequest("acme"), Ct));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_token, error + error.Mend, StringComparison.Ordinal);
        Assert.Empty(vault.List());
    }

    [Fact]
    public async Task A_redirect_is_not_followed_so_the_credential_stays_with_its_host()
    {
        await using var evil = new LoopbackApi(LoopbackApi.Answer("200 OK"));
        await using var api = new LoopbackApi(LoopbackApi.Answer("302 Found", $"Location: http://127.0.0.1:{evil.Port}/\r\n"));
        using var vault = _folder.Vault();
        await Assert.ThrowsAsync<MoatException>(() => Service(vault, Provider(api.Port, "header: X-Key", "/me")).GrantAsync(new GrantRequest("acme"), Ct));
        Assert.Empty(evil.Heads);
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_gets_no_credential()
    {
        await using var api = new LoopbackApi(LoopbackApi.Answer("200 OK"), tls: true);
        using var vault = _folder.Vault();
        var error = await Assert.ThrowsAsync<MoatException>(() => Service(vault, Provider(api.Port, "header: X-Key", "/me", tls: true)).GrantAsync(new GrantRequest("acme"), Ct));
        Assert.DoesNotContain(_token, error.ToString(), StringComparison.Ordinal);
        Assert.All(api.Heads, Assert.Empty);
    }

    [Fact]
    public async Task An_unreachable_provider_is_an_error_unless_it_is_not_asked()
    {
        var api = new LoopbackApi("");
        var port = api.Port;
        await api.DisposeAsync();
        using var vault = _folder.Vault();
        var service = Service(vault, Provider(port, "format: path", "/bot${token}/getMe"));
        var error = await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(new GrantRequest("acme"), Ct));
        Assert.DoesNotContain(_token, error.ToString(), StringComparison.Ordinal);
        Assert.Contains("--no-validate", error.Mend, StringComparison.Ordinal);
        await service.GrantAsync(new GrantRequest("acme") { NoValidate = true }, Ct);
        Assert.Equal(_token, Stored(vault));
    }

    [Fact]
    public async Task Sources_are_asked_in_order_environment_program_prompt()
    {
        _folder.Write("bin/gh", $"#!/bin/bash\n[ \"$*\" = 'auth token' ] && echo {_token}-gh\n", UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        using var vault = _folder.Vault();
        var environment = new Dictionary<string, string> { ["GITHUB_TOKEN"] = _token + "-env", ["PATH"] = _folder.File("bin") + ":/usr/bin:/bin" };
        var service = new GrantService(vault, ProviderCatalog.Load(null), environment: environment.GetValueOrDefault);
        var request = new GrantRequest("github") { NoValidate = true, Prompt = what => Secret.FromText($" {_token}-typed\n") };
        Assert.Equal("the variable GITHUB_TOKEN", (await service.GrantAsync(request, Ct)).Source);
        Assert.Equal(_token + "-env", Stored(vault, "github"));
        environment.Remove("GITHUB_TOKEN");
        Assert.Equal("`gh auth token`", (await service.GrantAsync(request, Ct)).Source);
        Assert.Equal(_token + "-gh", Stored(vault, "github"));
        _folder.Write("bin/gh", "#!/bin/bash\necho not logged in >&2; exit 1\n");
        Assert.Equal("the prompt", (await service.GrantAsync(request, Ct)).Source);
        Assert.Equal(_token + "-typed", Stored(vault, "github"));
        await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(request with { Prompt = null }, Ct));
        await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(request with { Prompt = _ => null }, Ct));
    }

    [Theory]
    [InlineData("shrt#")]
    [InlineData("with a space in it")]
    [InlineData("line\r\nX-Injected: 1")]
    [InlineData("nön-ascii-token")]
    public async Task What_cannot_be_a_header_value_is_refused(string token)
    {
        using var vault = _folder.Vault();
        var service = new GrantService(vault, ProviderCatalog.Load(null), environment: name => name == "OPENAI_API_KEY" ? token : null);
        var error = await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(new GrantRequest("openai") { NoValidate = true }, Ct));
        Assert.DoesNotContain(token, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_masks_and_revoke_removes()
    {
        using var vault = _folder.Vault("work");
        var service = new GrantService(vault, ProviderCatalog.Load(null), environment: name => name == "GH_TOKEN" ? "ghp_" + _token : null);
        await service.GrantAsync(new GrantRequest("gh") { NoValidate = true }, Ct);
        var details = service.Show("gh");
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"ghp_… ({_token.Length + 4} characters)"), details.MaskedToken);
        Assert.Equal("work", details.Info.Profile);
        service.Revoke("gh");
        Assert.Empty(service.List());
        Assert.Throws<MoatException>(() => service.Revoke("github"));
        Assert.Throws<MoatException>(() => service.Show("github"));
        Assert.Throws<MoatException>(() => service.Revoke("../../etc/passwd"));
    }

    [Fact]
    public async Task A_broken_or_expired_grant_is_listed_with_its_problem()
    {
        using var vault = _folder.Vault();
        var service = new GrantService(vault, ProviderCatalog.Load(null), environment: name => name == "OPENAI_API_KEY" ? _token : null);
        await service.GrantAsync(new GrantRequest("openai") { NoValidate = true }, Ct);
        await Assert.ThrowsAsync<MoatException>(() => service.GrantAsync(new GrantRequest("openai") { NoValidate = true, ExpiresAt = DateTimeOffset.UnixEpoch }, Ct));
        using (var expired = TestFolder.Credential("github", _token, DateTimeOffset.UnixEpoch)) vault.Put(expired);
        await File.WriteAllTextAsync(Path.Combine(_folder.Credentials, "openai.cred"), "rubbish", Ct);
        Assert.Equal(["it expired", "does not open"], service.List().Select(info => info.Problem!.Contains("does not open", StringComparison.Ordinal) ? "does not open" : info.Problem));
    }

    private static string Provider(int port, string inject, string path, bool tls = false)
        => $"name: acme\nhosts: [\"127.0.0.1:{port}\"]\ninject: {{ {inject} }}\nsource_env: [ACME_KEY]\nvalidate: {{ url: \"{(tls ? "https" : "http")}://127.0.0.1:{port}{path}\" }}\n";

    private GrantService Service(Vault vault, string provider, HttpMessageHandler? handler = null)
    {
        _folder.Write("providers/acme.yaml", provider);
        return new GrantService(vault, ProviderCatalog.Load(_folder.File("providers")), handler, name => name == "ACME_KEY" ? _token : null);
    }

    private static string Stored(Vault vault, string name = "acme")
    {
        using var credential = vault.Get(name)!;
        return TestFolder.Text(credential.Token);
    }
}
