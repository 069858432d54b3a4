using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class KubeGrantTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly string _token = TestFolder.NewToken("k8s_"), _second = TestFolder.NewToken("k8s_"), _authority = Authority();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_context_becomes_a_grant_for_its_server_alone_and_a_kubeconfig_with_a_placeholder()
    {
        Configure($"token: {_token}");
        using var vault = _folder.Vault();
        await GrantAsync(vault);
        var catalog = ProviderCatalog.Load(null);
        using var grant = GrantUnlocker.Unlock(UnlockedGrantTests.Spec("kube"), vault, catalog, new byte[32]).Single();
        Assert.Equal([new InjectionBinding("k8s.example.org", "Authorization", InjectionSlot.Header, "Bearer ", 6443) { Path = "/tenant/**" }], grant.Bindings);
        Assert.True(grant.TryGetValue(0, out var value));
        Assert.Equal("Bearer " + _token, value);
        Assert.Equal([new ServerTrust("k8s.example.org", _authority)], grant.Trust);
        Assert.Equal(("k8s.example.org", 6443), GrantRules.For([new GrantSpec("kube")], catalog, vault).Select(rule => (rule.Host, rule.Port!.Value)).Single());
        var file = Assert.Single(grant.Files);
        Assert.Equal(".kube/config", file.Path);
        var root = JsonDocument.Parse(file.Text).RootElement;
        Assert.Equal("dev", root.GetProperty("current-context").GetString());
        Assert.Equal("https://k8s.example.org:6443/tenant", root.GetProperty("clusters")[0].GetProperty("cluster").GetProperty("server").GetString());
        Assert.Equal(grant.Placeholder, root.GetProperty("users")[0].GetProperty("user").GetProperty("token").GetString());
        Assert.Equal("team", root.GetProperty("contexts")[0].GetProperty("context").GetProperty("namespace").GetString());
        Assert.DoesNotContain(_token, file.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_of_the_kubeconfig_runs_on_the_host_and_again_before_its_token_expires()
    {
        var answer = _folder.File("answer");
        var program = _folder.Write("bin/get-token", $$"""
            #!/bin/sh
            [ "$1 $2" = "--cluster dev" ] && [ "$FLAVOUR" = "one two" ] && [ "$KUBERNETES_EXEC_INFO" = '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false} }' ] && cat {{answer}}
            """, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Configure($"exec: {{ apiVersion: client.authentication.k8s.io/v1, command: {program}, args: [--cluster, dev], env: [{{ name: FLAVOUR, value: one two }}], interactiveMode: IfAvailable }}");
        Answer(_token);
        using var vault = _folder.Vault();
        await GrantAsync(vault);
        using (var stored = vault.Get("kube")!) Assert.Equal(_token, TestFolder.Text(stored.Token));
        Answer(_second);
        await RefreshBroker.EnsureFreshAsync([new GrantSpec("kube")], vault, ProviderCatalog.Load(null), null, new LaterClock(), Ct);
        using var renewed = vault.Get("kube")!;
        Assert.Equal(_second, TestFolder.Text(renewed.Token));

        void Answer(string token) => _folder.Write("answer", $$$"""{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"{{{token}}}","expirationTimestamp":"{{{DateTimeOffset.UtcNow.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}}}" } }""");
    }

    [Fact]
    public async Task Another_context_is_chosen_by_name()
    {
        Configure($"token: {_token}");
        using var vault = _folder.Vault();
        await GrantAsync(vault, "other");
        using var stored = vault.Get("kube")!;
        Assert.Equal(("other.example.org", (int?)null), stored.Bindings.Select(binding => (binding.Host, binding.Port)).Single());
        Assert.Empty(stored.Trust);
    }

    [Theory]
    [InlineData("client-certificate-data: QQ==", "", "has no token")]
    [InlineData("username: admin, password: hunter2hunter2", "", "has no token")]
    [InlineData("token: TOKEN", "insecure-skip-tls-verify: true", "insecure-skip-tls-verify")]
    [InlineData("token: TOKEN", "proxy-url: http://evil.example", "proxy-url")]
    [InlineData("token: TOKEN", "tls-server-name: other.example", "tls-server-name")]
    [InlineData("token: TOKEN", "certificate-authority-data: QUJD", "holds no certificate")]
    [InlineData("token: TOKEN", "certificate-authority: /nonexistent/ca.pem", "not there")]
    [InlineData("tokenFile: /nonexistent/token", "", "not there")]
    [InlineData("exec: { apiVersion: client.authentication.k8s.io/v1, command: /bin/false }", "", "printed nothing")]
    [InlineData("exec: { apiVersion: client.authentication.k8s.io/v1, command: /bin/echo, args: [TOKEN] }", "", "printed no token")]
    [InlineData("exec: { apiVersion: client.authentication.k8s.io/v1alpha1, command: /bin/false }", "", "unknown kind")]
    [InlineData("exec: { apiVersion: client.authentication.k8s.io/v1, command: /bin/false, provideClusterInfo: true }", "", "cluster's description")]
    [InlineData("exec: { apiVersion: client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: Always }", "", "asks a person")]
    [InlineData("token: [TOKEN", "", "is no kubeconfig")]
    public async Task What_has_no_place_here_is_refused_in_words_without_the_token(string user, string cluster, string problem)
    {
        Configure(user.Replace("TOKEN", _token, StringComparison.Ordinal), cluster);
        using var vault = _folder.Vault();
        var refused = await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_token, refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2hunter2", refused.ToString(), StringComparison.Ordinal);
        Assert.Null(vault.Version("kube"));
    }

    [Theory]
    [InlineData("http://k8s.example.org")]
    [InlineData("https://user:pass@k8s.example.org")]
    [InlineData("https://k8s.example.org/a;b")]
    public async Task A_server_that_is_no_plain_https_address_is_refused(string server)
    {
        Configure($"token: {_token}", server: server);
        using var vault = _folder.Vault();
        await Assert.ThrowsAsync<MoatException>(() => GrantAsync(vault));
    }

    private void Configure(string user, string cluster = "", string server = "https://k8s.example.org:6443/tenant")
        => _folder.Write(".kube/config", $$"""
            apiVersion: v1
            kind: Config
            preferences: {}
            current-context: dev
            clusters:
              - name: c1
                cluster: { server: "{{server}}", {{(cluster.Length > 0 ? cluster : "certificate-authority-data: " + Convert.ToBase64String(Encoding.ASCII.GetBytes(_authority)))}} }
              - name: c2
                cluster: { server: "https://other.example.org" }
            users:
              - name: u1
                user: { {{user}} }
            contexts:
              - name: dev
                context: { cluster: c1, user: u1, namespace: team }
              - name: other
                context: { cluster: c2, user: u1 }
            """);

    private Task<GrantInfo> GrantAsync(Vault vault, string? context = null)
        => new GrantService(vault, ProviderCatalog.Load(null), null, name => name switch { "HOME" => _folder.Path, "PATH" => "/usr/bin:/bin", _ => null }).GrantAsync(new GrantRequest("kube") { KubeContext = context }, Ct);

    private static string Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=cluster", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        return made.ExportCertificatePem();
    }

    private sealed class LaterClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromMinutes(58);
    }
}
