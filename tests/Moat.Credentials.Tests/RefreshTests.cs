using System.Collections.Immutable;
using System.Diagnostics;
using Moat.Spec;

namespace Moat.Credentials.Tests;

public sealed class RefreshTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly ProviderCatalog _catalog = ProviderCatalog.Load(null);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_hundred_runs_in_several_processes_that_share_a_credential_renew_it_once()
    {
        await using var server = new TokenServer();
        using var vault = _folder.Vault();
        Put(vault, server);
        var children = Enumerable.Range(0, 4).Select(_ => Process.Start(new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, Environment = { [RefreshChild.Variable] = $"{_folder.Path}|25" } })!).ToArray();
        var here = await Task.Run(() => RefreshChild.Runs(_folder.Path, 100), Ct);
        var there = await Task.WhenAll(children.Select(child => child.StandardOutput.ReadToEndAsync(Ct)));
        foreach (var child in children)
        {
            await child.WaitForExitAsync(Ct);
            child.Dispose();
        }
        var tokens = here.Concat(there.SelectMany(text => text.Split('\n'))).ToArray();
        Assert.Equal(200, tokens.Length);
        Assert.All(tokens, token => Assert.Equal(server.Access, token));
        Assert.Equal((1, 1), (server.Requests, server.Renewals));
        using var stored = vault.Get("github")!;
        Assert.Equal(server.Refresh, TestFolder.Text(stored.Parts[RefreshInfo.RefreshPart]));
        Assert.Null(stored.Revoked);
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(false, "a secret/with+signs&more")]
    public async Task A_renewal_speaks_the_endpoints_language_and_the_run_has_the_new_token_within_a_look(bool json, string clientSecret)
    {
        await using var server = new TokenServer(json) { ClientSecret = clientSecret };
        using var vault = _folder.Vault();
        Put(vault, server, json: json, clientSecret: clientSecret);
        using var grant = Unlock(vault);
        using var watch = GrantWatch.Start(vault, [grant]);
        await using var broker = RefreshBroker.Start(vault, [grant]);
        await broker.CheckNow();
        watch.CheckNow();
        Assert.Equal(server.Access, TestFolder.Text(grant.Secret));
        Assert.True(grant.TryGetValue(0, out var value));
        Assert.Equal("Bearer " + server.Access, value);
        await broker.CheckNow();
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task What_the_service_refuses_for_good_fails_closed_in_every_run_and_at_the_next_start()
    {
        await using var server = new TokenServer();
        using var vault = _folder.Vault();
        Put(vault, server);
        using var one = Unlock(vault);
        using var other = Unlock(vault);
        using var watch = GrantWatch.Start(vault, [other]);
        server.Refresh = "revoked-by-the-person";
        await using (var broker = RefreshBroker.Start(vault, [one])) await broker.CheckNow();
        watch.CheckNow();
        Assert.False(other.TryGetValue(0, out _));
        Assert.Contains("invalid_grant", other.RevokedReason, StringComparison.Ordinal);
        var error = Assert.Throws<MoatException>(() => Unlock(vault));
        Assert.Contains("moat grant github", error.Mend, StringComparison.Ordinal);
        Assert.Contains("invalid_grant", new GrantService(vault, _catalog).Show("github").Info.Problem, StringComparison.Ordinal);
        await new Refresher(vault, null, TimeProvider.System).RefreshAsync("github", 1, Ct);
        Assert.Equal(1, server.Requests);
    }

    [Theory]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 429 Slow\r\nContent-Length: 27\r\nConnection: close\r\n\r\n{\"error\":\"rate_limit_error\"}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<xml>")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{\"access")]
    public async Task What_may_pass_leaves_the_credential_as_it_is_and_is_tried_again_later(string answer)
    {
        await using var server = new TokenServer { Answer = answer, Gate = Task.CompletedTask };
        using var vault = _folder.Vault();
        Put(vault, server);
        var before = vault.Version("github");
        using var grant = Unlock(vault);
        await using var broker = RefreshBroker.Start(vault, [grant]);
        await broker.CheckNow();
        await broker.CheckNow();
        Assert.Equal(1, server.Requests);
        Assert.Equal(before, vault.Version("github"));
        Assert.False(grant.IsRevoked);
    }

    [Fact]
    public async Task A_grant_that_is_put_anew_or_removed_meanwhile_is_not_overwritten()
    {
        await using var server = new TokenServer();
        using var vault = _folder.Vault();
        var fresh = TestFolder.NewToken();
        foreach (var remove in new[] { false, true })
        {
            Put(vault, server);
            var gate = new TaskCompletionSource();
            server.Gate = gate.Task;
            server.Arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var renewing = new Refresher(vault, null, TimeProvider.System).RefreshAsync("github", 1, Ct);
            await server.Arrived.Task;
            if (remove) vault.Remove("github");
            else
            {
                using var anew = TestFolder.Credential("github", fresh);
                vault.Put(anew);
            }
            gate.SetResult();
            await renewing;
            using var stored = vault.Get("github");
            Assert.Equal(remove ? null : fresh, stored is null ? null : TestFolder.Text(stored.Token));
        }
    }

    [Fact]
    public async Task A_run_starts_with_a_renewed_credential_or_says_why_not()
    {
        await using var server = new TokenServer();
        using var vault = _folder.Vault();
        Put(vault, server, expires: DateTimeOffset.UtcNow.AddHours(-1));
        await RefreshBroker.EnsureFreshAsync([new GrantSpec("gh")], vault, _catalog, ct: Ct);
        using (var grant = Unlock(vault)) Assert.Equal(server.Access, TestFolder.Text(grant.Secret));

        Put(vault, server, expires: DateTimeOffset.UtcNow.AddHours(-1));
        server.Answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        var error = await Assert.ThrowsAsync<MoatException>(() => RefreshBroker.EnsureFreshAsync([new GrantSpec("github")], vault, _catalog, ct: Ct));
        Assert.Contains("503", error.Message, StringComparison.Ordinal);
        Put(vault, server, expires: DateTimeOffset.UtcNow.AddMinutes(1));
        await RefreshBroker.EnsureFreshAsync([new GrantSpec("github")], vault, _catalog, ct: Ct);
    }

    [Theory]
    [InlineData("http://example.test/token")]
    [InlineData("ftp://127.0.0.1/token")]
    [InlineData("nonsense")]
    public async Task A_refresh_token_goes_to_no_endpoint_that_others_could_read(string url)
    {
        using var vault = _folder.Vault();
        using (var credential = Credential(DateTimeOffset.UtcNow.AddMinutes(1), "rt_0123456789") with { Refresh = new RefreshInfo(url, "the-client") }) vault.Put(credential);
        await Assert.ThrowsAsync<TokenRefusedException>(() => new Refresher(vault, null, TimeProvider.System).RefreshAsync("github", 1, Ct));
    }

    [Fact]
    public void It_is_due_ahead_of_its_expiry_by_a_margin_that_differs_among_runs()
    {
        var expires = DateTimeOffset.UnixEpoch.AddHours(8);
        using var day = Credential(expires, "rt_0123456789") with { CreatedAt = DateTimeOffset.UnixEpoch, Refresh = new RefreshInfo("https://example.test/token", "the-client") };
        Assert.Equal(expires.AddMinutes(-5), RefreshInfo.DueAt(day, 0));
        Assert.Equal(expires.AddMinutes(-10), RefreshInfo.DueAt(day, 1));
        Assert.Equal(expires.AddMinutes(-1), RefreshInfo.DueAt(day with { CreatedAt = expires.AddMinutes(-4) }, 0));
        Assert.Null(RefreshInfo.DueAt(day with { Refresh = null }, 0));
        Assert.Null(RefreshInfo.DueAt(day with { Revoked = "it was" }, 0));
        Assert.Null(RefreshInfo.DueAt(day with { ExpiresAt = null }, 0));
    }

    [Fact]
    public async Task No_secret_is_in_what_a_refusal_says()
    {
        await using var server = new TokenServer();
        using var vault = _folder.Vault();
        var refresh = TestFolder.NewToken("rt_");
        using (var credential = Credential(DateTimeOffset.UtcNow.AddMinutes(1), refresh) with { Refresh = new RefreshInfo(server.Url, "the-client") }) vault.Put(credential);
        var error = await Assert.ThrowsAsync<TokenRefusedException>(() => new Refresher(vault, null, TimeProvider.System).RefreshAsync("github", 1, Ct));
        Assert.DoesNotContain(refresh, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("error_description", error.ToString(), StringComparison.Ordinal);
    }

    private static void Put(Vault vault, TokenServer server, DateTimeOffset? expires = null, bool json = false, string clientSecret = "")
    {
        using var credential = Credential(expires ?? DateTimeOffset.UtcNow.AddMinutes(1), server.Refresh) with { Refresh = new RefreshInfo(server.Url, "the-client", json) };
        vault.Put(clientSecret.Length == 0 ? credential : credential with { Parts = credential.Parts.Add(RefreshInfo.ClientSecretPart, Secret.FromText(clientSecret)) });
    }

    private static StoredCredential Credential(DateTimeOffset expires, string refresh) => TestFolder.Credential("github", TestFolder.NewToken(), expires) with
    {
        CreatedAt = expires.AddHours(-8),
        Parts = ImmutableSortedDictionary<string, Secret>.Empty.Add(RefreshInfo.RefreshPart, Secret.FromText(refresh)),
    };

    private UnlockedGrant Unlock(Vault vault) => GrantUnlocker.Unlock(UnlockedGrantTests.Spec("github"), vault, _catalog, new byte[32]).Single();
}
