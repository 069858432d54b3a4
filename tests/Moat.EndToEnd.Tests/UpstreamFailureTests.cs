using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4c: nothing is injected unless the upstream has proven who it is; grants change under a run.</summary>
public class UpstreamFailureTests
{
    public static TheoryData<string> Users() => Binary.Users();

    public static TheoryData<string, string> UsersAndCertificates()
    {
        var rows = new TheoryData<string, string>();
        foreach (var user in Binary.Users().Select(row => row.Data)) foreach (var kind in (string[])["expired", "self-signed", "wrong name", "foreign authority"]) rows.Add(user, kind);
        return rows;
    }

    [Theory, MemberData(nameof(UsersAndCertificates))]
    public async Task T_41_a_bad_certificate_ends_in_a_502_that_says_why(string user, string kind)
    {
        await using var scene = await Scene.StartAsync(user, certificate: authority => kind switch
        {
            "expired" => authority.Leaf(DateTimeOffset.UtcNow.AddHours(-1), Scene.ApiHost),
            "self-signed" => SelfSigned(),
            "wrong name" => authority.Leaf(DateTimeOffset.UtcNow.AddDays(5), "wrong.upstream.test"),
            _ => new TestAuthority().Leaf(DateTimeOffset.UtcNow.AddDays(5), Scene.ApiHost),
        });
        var result = await scene.Home.ScriptAsync($"curl -sSk -w '%{{http_code}}\n' https://{Scene.ApiHost}/whoami; curl -sSk -o /dev/null -w '%{{http_code}}\n' --noproxy '*' --http1.1 https://{Scene.ApiHost}/whoami");
        Assert.Empty(scene.Upstream.Seen);
        var lines = result.Out.Split('\n');
        Assert.EndsWith("}502", lines[0], StringComparison.Ordinal);
        Assert.Equal("502", lines[1]);
        var error = JsonDocument.Parse(lines[0][..^3]).RootElement.GetProperty("error").GetString()!;
        // The foreign authority bears the name of the known one: only its signature tells.
        Assert.Contains(kind switch { "expired" => "expired", "wrong name" => "name", "self-signed" => "trust", _ => "chain" }, error, StringComparison.OrdinalIgnoreCase);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task An_upstream_that_is_down_is_a_502_with_the_reason(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        scene.EditConfig($"{Scene.ApiHost}: 127.0.0.1:{scene.Upstream.Port}", $"{Scene.ApiHost}: 127.0.0.1:{port}");
        var result = await scene.Home.ScriptAsync($"curl -sS -w '%{{http_code}}\n' https://{Scene.ApiHost}/whoami");
        Assert.Contains("}502", result.Out, StringComparison.Ordinal);
        Assert.Contains("refused", result.Out, StringComparison.OrdinalIgnoreCase);
        scene.AssertNoSecretIn("the answer", result.Out);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_42_a_revoked_grant_is_denied_in_the_run_that_uses_it(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await using var run = LiveRun.Start(scene.Home, AskUntil("= 403"));
        await run.UntilAsync("asked 200");
        var revoked = await scene.Home.MoatAsync("revoke", "upstream");
        Assert.True(revoked.ExitCode == 0, revoked.ToString());
        var marker = scene.Upstream.Seen.Count;
        await run.SayAsync("go");
        await run.UntilAsync("so it is");
        var result = await run.EndAsync();
        Assert.Equal(0, result.ExitCode);
        // What went through before it was noticed had the credential; once denied, nothing reached the upstream bare.
        Assert.All(scene.Upstream.Seen, s => Assert.Equal(["Bearer " + scene.Secret], s.Header("Authorization")));
        Assert.True(scene.Upstream.Seen.Count >= marker);
        Assert.Contains("upstream", result.Err, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_42_a_rotated_grant_is_used_with_its_new_value(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var rotated = scene.Secret[..^4] + "zzzz";
        scene.Upstream.Answer = context =>
        {
            context.Response.StatusCode = context.Request.Headers.Authorization == "Bearer " + rotated ? 201 : 200;
            return Task.FromResult(true);
        };
        await using var run = LiveRun.Start(scene.Home, AskUntil("= 201"));
        await run.UntilAsync("asked 200");
        await scene.GrantAsync("upstream", "UPSTREAM_TOKEN", rotated);
        await run.SayAsync("go");
        await run.UntilAsync("so it is");
        Assert.Equal(0, (await run.EndAsync()).ExitCode);
        Assert.Equal(["Bearer " + rotated], scene.Upstream.Seen.Last().Header("Authorization"));
    }

    /// <summary>Asks once; when told to go on, asks at most 400 times more until the status is as said.</summary>
    private static string AskUntil(string test) => $$"""
        ask() { curl -sS -o /dev/null -w '%{http_code}' https://{{Scene.ApiHost}}/whoami; }
        echo asked $(ask); read answer
        n=0; while [ $n -lt 400 ]; do [ $(ask) {{test}} ] && echo so it is && exit 0; n=$((n+1)); done
        echo never; exit 1
        """;

    private static X509Certificate2 SelfSigned()
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new CertificateRequest("CN=" + Scene.ApiHost, key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Scene.ApiHost);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(5));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
