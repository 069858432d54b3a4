using System.Collections.Immutable;
using System.Net;

namespace Moat.Credentials.Tests;

public sealed class GrantDoctorTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly string _token = TestFolder.NewToken();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(HttpStatusCode.OK, GrantHealth.Good, "")]
    [InlineData(HttpStatusCode.Unauthorized, GrantHealth.Bad, "does not accept")]
    [InlineData(HttpStatusCode.BadGateway, GrantHealth.Bad, "did not say")]
    public async Task Each_provider_is_asked_with_the_stored_credential(HttpStatusCode status, GrantHealth expected, string message)
    {
        using var vault = _folder.Vault();
        using (var credential = TestFolder.Credential("github", _token)) vault.Put(credential);
        var check = Assert.Single(await CheckAsync(vault, request =>
        {
            Assert.Equal(("https://api.github.com/user", "Bearer " + _token), (request.RequestUri!.ToString(), request.Headers.Authorization!.ToString()));
            return new HttpResponseMessage(status);
        }));
        Assert.Equal(expected, check.Health);
        Assert.Contains(message, check.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_token, check.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_asked_has_expired_was_refused_or_has_no_provider_is_told_apart()
    {
        using var vault = _folder.Vault();
        foreach (var name in (string[])["linear", "openai", "vercel", "gone"])
        {
            using var credential = TestFolder.Credential(name, _token);
            vault.Put(name switch
            {
                "openai" => credential with { ExpiresAt = DateTimeOffset.UnixEpoch },
                "vercel" => credential with { Revoked = "its service refused to renew it" },
                _ => credential,
            });
        }
        var checks = await CheckAsync(vault, _ => throw new InvalidOperationException("nobody is to be asked"));
        Assert.Equal(["gone Bad there is no such provider any more", "linear Unknown its provider offers no way to ask", "openai Bad it expired", "vercel Bad its service refused to renew it"], checks.Select(check => $"{check.Name} {check.Health} {check.Message}"));
        Assert.Equal("the grant sentry is not stored", (await CheckAsync(vault, _ => throw new InvalidOperationException(), "sentry")).Single().Message);
    }

    [Fact]
    public async Task What_is_due_is_renewed_first_and_then_asked()
    {
        await using var server = new TokenServer();
        using var vault = _folder.Vault();
        using (var credential = TestFolder.Credential("github", _token, DateTimeOffset.UtcNow.AddMinutes(-1)) with
        {
            Refresh = new RefreshInfo(server.Url, "the-client"),
            Parts = ImmutableSortedDictionary<string, Secret>.Empty.Add(RefreshInfo.RefreshPart, Secret.FromText(server.Refresh)),
        })
            vault.Put(credential);
        var check = Assert.Single(await CheckAsync(vault, request =>
        {
            if (request.RequestUri!.IsLoopback) return null;
            Assert.Equal("Bearer " + server.Access, request.Headers.Authorization!.ToString());
            return new HttpResponseMessage(HttpStatusCode.OK);
        }));
        Assert.Equal((GrantHealth.Good, true), (check.Health, check.IsRenewed));
        Assert.True(check.ExpiresAt > DateTimeOffset.UtcNow);
    }

    private static async Task<ImmutableArray<GrantCheck>> CheckAsync(Vault vault, Func<HttpRequestMessage, HttpResponseMessage?> answer, params string[] names)
    {
        using var handler = new Answers(answer);
        return await new GrantService(vault, ProviderCatalog.Load(null), handler).CheckAsync(names, Ct);
    }

    /// <summary>Answers itself; null: the network does.</summary>
    private sealed class Answers(Func<HttpRequestMessage, HttpResponseMessage?> answer) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => answer(request) ?? await base.SendAsync(request, cancellationToken);
    }
}
