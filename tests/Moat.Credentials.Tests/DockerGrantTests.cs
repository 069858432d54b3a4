using System.Net;
using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class DockerGrantTests : IDisposable
{
    private const string Plain = "registry.example.org:5000", Tokens = "ghcr.example.org", Elsewhere = "registry.other.example";
    private readonly TestFolder _folder = new();
    private readonly Registries _registries = new();
    private readonly string _first = TestFolder.NewToken("pw_"), _second = TestFolder.NewToken("pw_");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _registries.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Each_registry_of_the_persons_docker_takes_its_own_password_and_the_file_inside_holds_placeholders()
    {
        Configure($$$"""{"auths":{"{{{Plain}}}":{"auth":"{{{Pair("robot", _first)}}}"},"https://{{{Tokens}}}":{"auth":"{{{Pair("me", _second)}}}"}},"HttpHeaders":{"X":"y"}}""");
        _registries.Accept(Plain, "robot", _first);
        _registries.Accept(Tokens, "me", _second);
        using var vault = _folder.Vault();
        await GrantAsync(vault);
        var catalog = ProviderCatalog.Load(null);
        using var grant = GrantUnlocker.Unlock(UnlockedGrantTests.Spec("docker"), vault, catalog, new byte[32]).Single();
        Assert.Equal(
            [("ghcr.example.org", null, "me", "/token"), ("registry.example.org", 5000, "robot", "/**")],
            grant.Bindings.Select(binding => (binding.Host, binding.Port, binding.Argument, binding.Path)).Order());
        var capture = Assert.Single(grant.Captures);
        Assert.Equal(("ghcr.example.org", "/token"), (capture.Host, capture.Path));
        Assert.Equal(["ghcr.example.org"], capture.Hosts);
        for (var i = 0; i < grant.Bindings.Length; i++)
        {
            Assert.True(grant.TryGetValue(i, out var value));
            Assert.Equal("Basic " + (grant.Bindings[i].Port == 5000 ? Pair("robot", _first) : Pair("me", _second)), value);
        }
        var file = Assert.Single(grant.Files);
        Assert.Equal(".docker/config.json", file.Path);
        var auths = JsonDocument.Parse(file.Text).RootElement.GetProperty("auths");
        foreach (var (name, user) in new[] { (Plain, "robot"), (Tokens, "me") })
        {
            var pair = Encoding.UTF8.GetString(Convert.FromBase64String(auths.GetProperty(name).GetProperty("auth").GetString()!)).Split(':');
            Assert.Equal(user, pair[0]);
            Assert.Equal(grant.PlaceholderOf(grant.Bindings.ToList().FindIndex(binding => binding.Argument == user)), pair[1]);
        }
        Assert.Equal([("ghcr.example.org", 443), ("registry.example.org", 5000)], GrantRules.For([new GrantSpec("docker")], catalog, vault).Select(rule => (rule.Host, rule.Port!.Value)).Order());
    }

    [Fact]
    public async Task A_registry_whose_tokens_come_from_another_host_needs_the_persons_word_for_that_host()
    {
        Login(Elsewhere, "me");
        _registries.Accept("auth.other.example", "me", _first);
        using var vault = _folder.Vault();
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault));
        Assert.Contains("wants its credential sent to auth.other.example", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault, new RegistryRequest([Elsewhere], null, "auth.wrong.example")));
        Assert.Empty(_registries.Shown);
        await GrantAsync(vault, new RegistryRequest([Elsewhere], null, "auth.other.example"));
        using var stored = vault.Get("docker")!;
        Assert.Equal([Elsewhere], Assert.Single(stored.Captures).Hosts);
        Assert.Equal("auth.other.example", Assert.Single(stored.Bindings).Host);
    }

    [Theory]
    [InlineData("credsStore")]
    [InlineData("credHelpers")]
    public async Task A_credential_helper_is_asked_for_its_registry(string kind)
    {
        var helper = _folder.Write("bin/docker-credential-test", $$"""
            #!/bin/sh
            [ "$1" = get ] && [ "$(cat)" = "{{Tokens}}" ] && echo '{"ServerURL":"{{Tokens}}","Username":"me","Secret":"{{_first}}"}'
            """, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Configure(kind == "credsStore" ? $$$"""{"auths":{"{{{Tokens}}}":{}},"credsStore":"test"}""" : $$$"""{"credHelpers":{"{{{Tokens}}}":"test"}}""");
        _registries.Accept(Tokens, "me", _first);
        using var vault = _folder.Vault();
        await GrantAsync(vault, path: Path.GetDirectoryName(helper)! + ":/usr/bin:/bin");
        using var stored = vault.Get("docker")!;
        Assert.Equal(_first, TestFolder.Text(stored.Token));
        Assert.Equal("docker-credential-test", stored.Metadata["source"]);
    }

    [Fact]
    public async Task A_named_user_brings_the_password_of_the_variable()
    {
        _registries.Accept(Plain, "robot", _first);
        using var vault = _folder.Vault();
        await GrantAsync(vault, new RegistryRequest([Plain], "robot", null), password: _first);
        using var stored = vault.Get("docker")!;
        Assert.Equal(_first, TestFolder.Text(stored.Token));
    }

    [Fact]
    public async Task An_index_of_the_old_kind_does_not_say_where_its_registry_is()
    {
        Login("https://index.example.org/v1/", "me");
        using var vault = _folder.Vault();
        var error = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault, new RegistryRequest([], null, null)));
        Assert.Contains("--registry HOST", error.Mend, StringComparison.Ordinal);
        Assert.Null(vault.Get("docker"));
    }

    [Theory]
    [InlineData("""{"auths":{"HOST":{"auth":"bm8gY29sb24="}}}""", "no user and password")]
    [InlineData("""{"auths":{"HOST":{"auth":"not base64!"}}}""", "no user and password")]
    [InlineData("""{"auths":{"http://HOST":{"auth":"cm9ib3Q6cGFzc3dvcmQtMTIz"}}}""", "cleartext")]
    [InlineData("""{"auths":{"HOST/path":{"auth":"cm9ib3Q6cGFzc3dvcmQtMTIz"}}}""", "not logged in|no registry")]
    [InlineData("""{"credHelpers":{"HOST":"../../evil"}}""", "no name of a program")]
    [InlineData("""{"auths":""", "no configuration of docker")]
    [InlineData("""[]""", "no configuration of docker")]
    [InlineData("""{}""", "no registry is named")]
    public async Task What_is_no_login_is_refused_in_words_without_it(string text, string problems)
    {
        Configure(text.Replace("HOST", Plain, StringComparison.Ordinal));
        _registries.Accept(Plain, "robot", "password-123");
        using var vault = _folder.Vault();
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault));
        Assert.Contains(problems.Split('|'), problem => refused.Message.Contains(problem, StringComparison.Ordinal));
        Assert.DoesNotContain("password-123", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_not_stored()
    {
        Login(Plain, "robot");
        _registries.Accept(Plain, "robot", _second);
        using var vault = _folder.Vault();
        Assert.Contains("does not accept", (await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault))).Message, StringComparison.Ordinal);
        Assert.Null(vault.Version("docker"));
    }

    private static string Pair(string user, string password) => Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    private void Login(string registry, string user) => Configure($$$"""{"auths":{"{{{registry}}}":{"auth":"{{{Pair(user, _first)}}}" } } }""");

    private void Configure(string json) => _folder.Write(".docker/config.json", json);

    private Task<GrantInfo> GrantAsync(Vault vault, RegistryRequest? registry = null, string path = "/usr/bin:/bin", string? password = null)
        => new GrantService(vault, ProviderCatalog.Load(null), _registries, name => name switch { "HOME" => _folder.Path, "PATH" => path, "DOCKER_PASSWORD" => password, _ => null })
            .GrantAsync(new GrantRequest("docker") { Registry = registry }, Ct);

    /// <summary>Registries by the distribution specification; what they took is remembered.</summary>
    private sealed class Registries : HttpMessageHandler
    {
        private readonly Dictionary<string, string> _accepted = [];

        internal List<string> Shown { get; } = [];

        internal void Accept(string authority, string user, string password) => _accepted[authority] = Pair(user, password);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var url = request.RequestUri!;
            var response = new HttpResponseMessage(HttpStatusCode.Unauthorized);
            if (request.Headers.Authorization is { Parameter: { } shown })
            {
                Shown.Add(url.Authority);
                if (_accepted.GetValueOrDefault(url.Authority) == shown) response.StatusCode = HttpStatusCode.OK;
            }
            var realm = url.Authority switch { Tokens => $"https://{Tokens}/token", Elsewhere => "https://auth.other.example/v2/token", _ => null };
            response.Headers.TryAddWithoutValidation("WWW-Authenticate", realm is null ? "Basic realm=\"x\"" : $"Bearer realm=\"{realm}\",service=\"{url.Host}\"");
            return Task.FromResult(response);
        }
    }
}
