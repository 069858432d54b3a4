using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class CloudGrantTests : IDisposable
{
    private const string Google = "https://oauth2.googleapis.com/token", Azure = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token";
    private readonly TestFolder _folder = new();
    private readonly RSA _key = RSA.Create(2048);
    private readonly string _secret = TestFolder.NewToken("cs_"), _refresh = TestFolder.NewToken("1//");
    private readonly Endpoint _endpoint;

    public CloudGrantTests() => _endpoint = new Endpoint(Judge);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _endpoint.Dispose();
        _key.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_service_account_signs_for_its_tokens_on_the_host_and_they_are_renewed()
    {
        var file = Write(ServiceAccount());
        await GrantAndRenewAsync("gcloud", name => name == "GOOGLE_APPLICATION_CREDENTIALS" ? file : null, "CLOUDSDK_AUTH_ACCESS_TOKEN", "*.googleapis.com");
    }

    [Fact]
    public async Task A_login_of_gcloud_is_renewed_by_its_refresh_token()
    {
        _folder.Write(".config/gcloud/application_default_credentials.json", new JsonObject { ["type"] = "authorized_user", ["client_id"] = "the-client", ["client_secret"] = _secret, ["refresh_token"] = _refresh }.ToJsonString());
        await GrantAndRenewAsync("gcloud", name => name == "HOME" ? _folder.Path : null, "GOOGLE_OAUTH_ACCESS_TOKEN", "*.googleapis.com");
    }

    [Fact]
    public async Task A_service_principal_of_azure_is_renewed_by_its_secret()
        => await GrantAndRenewAsync("azure", name => name switch { "AZURE_TENANT_ID" => "contoso.example", "AZURE_CLIENT_ID" => "the-client", "AZURE_CLIENT_SECRET" => _secret, _ => null }, "AZURE_ACCESS_TOKEN", "management.azure.com");

    [Fact]
    public async Task A_token_of_az_lasts_as_long_as_it_lasts()
    {
        var token = TestFolder.NewToken("eyJ");
        var az = _folder.Write("bin/az", $$"""
            #!/bin/sh
            [ "$*" = "account get-access-token --resource https://management.azure.com --output json" ] && echo '{"accessToken":"{{token}}","expires_on":4102444800,"expiresOn":"local time"}'
            """, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var vault = _folder.Vault();
        await GrantAsync(vault, "azure", name => name == "PATH" ? Path.GetDirectoryName(az) + ":/usr/bin:/bin" : null);
        using var stored = vault.Get("azure")!;
        Assert.Equal(token, TestFolder.Text(stored.Token));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(4102444800), stored.ExpiresAt);
        Assert.Null(stored.Refresh);
    }

    [Fact]
    public void Paths_that_give_out_further_tokens_and_keys_of_google_are_denied()
    {
        using var vault = _folder.Vault();
        var rule = Assert.Single(GrantRules.For([new GrantSpec("gcloud")], ProviderCatalog.Load(null), vault));
        Assert.Equal(["/token", "/v1/token", "/v1/projects/*/serviceAccounts/*", "/v1/projects/*/serviceAccounts/*/keys/**"], rule.Requests.Where(request => !request.Allow).Select(request => request.Path));
    }

    [Theory]
    [InlineData("token_uri", "https://evil.example/token", "another token endpoint")]
    [InlineData("token_uri", "https://oauth2.googleapis.com.evil.example/token", "another token endpoint")]
    [InlineData("type", "external_account", "neither a login")]
    [InlineData("private_key", "nonsense", "no application default credentials")]
    [InlineData("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no RSA key")]
    [InlineData("client_email", null, "no application default credentials")]
    [InlineData("client_email", "somebody.else@project.example", "refused to renew")]
    public async Task What_is_no_service_account_of_google_is_refused_before_anything_is_stored(string field, string? value, string problem)
    {
        var account = ServiceAccount();
        account[field] = value;
        var file = Write(account);
        using var vault = _folder.Vault();
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault, "gcloud", name => name == "GOOGLE_APPLICATION_CREDENTIALS" ? file : null));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_key.ExportPkcs8PrivateKeyPem()[40..100], refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(_endpoint.Asked, url => url != Google);
        Assert.Null(vault.Version("gcloud"));
    }

    [Theory]
    [InlineData("../../common", "no tenant")]
    [InlineData("a?b", "no tenant")]
    [InlineData(null, "is not")]
    public async Task A_tenant_that_is_none_is_refused(string? tenant, string problem)
    {
        using var vault = _folder.Vault();
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault, "azure", name => name switch { "AZURE_TENANT_ID" => tenant, "AZURE_CLIENT_ID" => "the-client", "AZURE_CLIENT_SECRET" => _secret, _ => null }));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.Empty(_endpoint.Asked);
    }

    private async Task GrantAndRenewAsync(string grant, Func<string, string?> environment, string variable, string host)
    {
        using var vault = _folder.Vault();
        await GrantAsync(vault, grant, environment);
        var first = _endpoint.Given;
        using (var unlocked = GrantUnlocker.Unlock(UnlockedGrantTests.Spec(grant), vault, ProviderCatalog.Load(null), new byte[32]).Single())
        {
            Assert.Equal(unlocked.Placeholder, unlocked.Env[variable]);
            Assert.Equal(host, Assert.Single(unlocked.Bindings).Host);
            Assert.True(unlocked.TryGetValue(0, out var value));
            Assert.Equal("Bearer " + first, value);
        }
        await RefreshBroker.EnsureFreshAsync([new GrantSpec(grant)], vault, ProviderCatalog.Load(null), _endpoint, new LaterClock(), Ct);
        using var renewed = vault.Get(grant)!;
        Assert.NotEqual(first, _endpoint.Given);
        Assert.Equal(_endpoint.Given, TestFolder.Text(renewed.Token));
        // What renews it is masked like the token.
        Assert.Contains(renewed.Parts, part => part.Key is RefreshInfo.RefreshPart or RefreshInfo.ClientSecretPart);
    }

    private Task<GrantInfo> GrantAsync(Vault vault, string grant, Func<string, string?> environment)
        => new GrantService(vault, ProviderCatalog.Load(null), _endpoint, environment).GrantAsync(new GrantRequest(grant), Ct);

    private JsonObject ServiceAccount() => new()
    {
        ["type"] = "service_account",
        ["client_email"] = "robot@project.example",
        ["private_key_id"] = "k1",
        ["private_key"] = _key.ExportPkcs8PrivateKeyPem(),
        ["token_uri"] = Google,
    };

    private string Write(JsonObject account) => _folder.Write("adc.json", account.ToJsonString());

    /// <summary>True for exactly what the vendor documents.</summary>
    private bool Judge(string url, Dictionary<string, string> form)
    {
        var expected = (url, form.GetValueOrDefault("grant_type")) switch
        {
            (Google, "refresh_token") => new Dictionary<string, string> { ["refresh_token"] = _refresh, ["client_id"] = "the-client", ["client_secret"] = _secret },
            (Google, "urn:ietf:params:oauth:grant-type:jwt-bearer") when IsSigned(form.GetValueOrDefault("assertion", "")) => new Dictionary<string, string> { ["assertion"] = form["assertion"] },
            (Azure, "client_credentials") => new Dictionary<string, string> { ["client_id"] = "the-client", ["client_secret"] = _secret, ["scope"] = "https://management.azure.com/.default" },
            _ => null,
        };
        return expected is not null && form.Count == expected.Count + 1 && expected.All(pair => form.GetValueOrDefault(pair.Key) == pair.Value);
    }

    private bool IsSigned(string assertion)
    {
        var parts = assertion.Split('.');
        if (parts.Length != 3 || !_key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Bytes(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)) return false;
        var (header, claims) = (JsonDocument.Parse(Bytes(parts[0])).RootElement, JsonDocument.Parse(Bytes(parts[1])).RootElement);
        var (issued, expires) = (claims.GetProperty("iat").GetInt64(), claims.GetProperty("exp").GetInt64());
        return header.GetProperty("alg").GetString() == "RS256" && header.GetProperty("kid").GetString() == "k1"
            && claims.GetProperty("iss").GetString() == "robot@project.example" && claims.GetProperty("aud").GetString() == Google
            && claims.GetProperty("scope").GetString() == "https://www.googleapis.com/auth/cloud-platform" && expires - issued is > 0 and <= 3600;

        static byte[] Bytes(string text) => System.Buffers.Text.Base64Url.DecodeFromChars(text);
    }

    private sealed class LaterClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromMinutes(58);
    }

    private sealed class Endpoint(Func<string, Dictionary<string, string>, bool> judge) : HttpMessageHandler
    {
        internal List<string> Asked { get; } = [];

        internal string Given { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add(request.RequestUri!.AbsoluteUri);
            var form = (await request.Content!.ReadAsStringAsync(cancellationToken)).Split('&').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]));
            if (!judge(request.RequestUri.AbsoluteUri, form)) return new HttpResponseMessage(HttpStatusCode.BadRequest) { Content = new StringContent("""{"error":"invalid_grant"}""") };
            Given = TestFolder.NewToken("ya29.");
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(new JsonObject { ["access_token"] = Given, ["expires_in"] = 3599, ["token_type"] = "Bearer" }.ToJsonString()) };
        }
    }
}
