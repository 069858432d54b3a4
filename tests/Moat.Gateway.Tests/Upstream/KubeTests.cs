using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Http;
using Moat.Credentials;

namespace Moat.Gateway.Tests;

/// <summary>The grant <c>kube</c> with the real kubectl, against a stand-in of the Kubernetes API with an authority of its own.</summary>
public sealed class KubeTests : IDisposable
{
    private const string Server = "k8s.moat.test";
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-kube-").FullName;
    private readonly string _token = TestGrants.NewToken();
    private readonly TestGrants _grants = new();
    private readonly TestAuthority _cluster = new();
    private readonly ConcurrentQueue<string> _wrong = new(), _paths = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _grants.Dispose();
        _cluster.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Kubectl_lists_pods_with_a_placeholder_at_a_cluster_that_only_the_kubeconfig_knows()
    {
        await using var scene = await StartAsync(_cluster.Pem, _cluster);
        var (code, output) = await KubectlAsync(scene, "get", "pods", "-o", "name");
        Assert.True(code == 0, output);
        Assert.Contains("pod/web", output, StringComparison.Ordinal);
        Assert.Empty(_wrong);
        Assert.Contains("/api/v1/namespaces/team/pods", _paths);
        Assert.DoesNotContain(_token, output, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(Path.Combine(_folder, "inside"), "*", SearchOption.AllDirectories))
            Assert.DoesNotContain(_token, await File.ReadAllTextAsync(file, Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_with_a_certificate_of_another_authority_gets_no_token_even_if_the_run_trusts_that_one()
    {
        using var other = new TestAuthority();
        await using var scene = await StartAsync(_cluster.Pem, other);
        var (code, output) = await KubectlAsync(scene, "get", "pods", "-o", "name");
        Assert.NotEqual(0, code);
        Assert.Empty(_paths);
        Assert.DoesNotContain(_token, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_clusters_authority_is_none_for_any_other_host()
    {
        await using var scene = await StartAsync(_cluster.Pem, _cluster, trustsUpstream: false);
        using var client = scene.Client();
        using var response = await client.GetAsync(new Uri($"https://{Scene.Plain}/"), Ct);
        Assert.Equal(System.Net.HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Empty(_paths);
    }

    /// <param name="pinned">What the kubeconfig names.</param>
    /// <param name="signer">Who signed the server's certificate.</param>
    /// <param name="trustsUpstream">Whether <c>network.ca</c> holds the signer, where it is not the cluster's.</param>
    private async Task<Scene> StartAsync(string pinned, TestAuthority signer, bool trustsUpstream = true)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "home/.kube"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "home/.kube/config"), $$"""
            current-context: dev
            clusters: [{ name: c, cluster: { server: "https://{{Server}}", certificate-authority-data: {{Convert.ToBase64String(Encoding.ASCII.GetBytes(pinned))}} } }]
            users: [{ name: u, user: { token: {{_token}} } }]
            contexts: [{ name: dev, context: { cluster: c, user: u, namespace: team } }]
            """, Ct);
        using var nothing = new HttpClientHandler();
        await _grants.GrantAsync(new GrantRequest("kube"), nothing, name => name == "HOME" ? Path.Combine(_folder, "home") : null);
        _grants.Unlock(["kube"]);
        Directory.Delete(Path.Combine(_folder, "home"), recursive: true);
        Directory.CreateDirectory(Path.Combine(_folder, "inside/.kube"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "inside/.kube/config"), _grants.Unlocked[0].Files.Single().Text, Ct);
        var scene = await Scene.StartAsync(HandleAsync, new SceneOptions
        {
            Providers = [],
            Grants = [],
            Extra = [_grants.Unlocked[0]],
            Hosts = [Server],
            Ca = trustsUpstream && signer != _cluster ? [signer.Pem] : [],
            Certificate = _ => signer.Issue([Server, Scene.Plain]),
        });
        await File.WriteAllTextAsync(Path.Combine(_folder, "inside/ca.pem"), scene.Authority.CertificatePem, Ct);
        return scene;
    }

    private Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        _paths.Enqueue(path);
        if (context.Request.Headers.Authorization.Count != 1 || context.Request.Headers.Authorization != "Bearer " + _token)
        {
            _wrong.Enqueue(path);
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        }
        context.Response.ContentType = "application/json";
        var json = path switch
        {
            "/api" => """{"kind":"APIVersions","versions":["v1"]}""",
            "/apis" => """{"kind":"APIGroupList","apiVersion":"v1","groups":[]}""",
            "/api/v1" => """{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"]}]}""",
            "/api/v1/namespaces/team/pods" => """{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"team"}}]}""",
            _ => null,
        };
        if (json is null)
            context.Response.StatusCode = 404;
        return context.Response.WriteAsync(json ?? """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}""");
    }

    private async Task<(int Code, string Output)> KubectlAsync(Scene scene, params string[] arguments)
    {
        Assert.True(File.Exists("/usr/bin/kubectl"), "install Debian's kubernetes-client");
        var info = new ProcessStartInfo("/usr/bin/kubectl", ["-v=9", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment.Remove("KUBECONFIG");
        info.Environment["HOME"] = Path.Combine(_folder, "inside");
        info.Environment["SSL_CERT_FILE"] = Path.Combine(_folder, "inside/ca.pem");
        info.Environment["HTTPS_PROXY"] = $"http://{scene.Proxy}";
        using var process = Process.Start(info)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, await output + await error);
    }
}
