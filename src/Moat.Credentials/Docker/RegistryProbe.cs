using System.Net.Http.Headers;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Asks a registry how it wants to be authenticated at (the distribution specification's <c>/v2/</c>): by Basic itself, or by tokens of a realm.</summary>
internal sealed class RegistryProbe(HttpMessageHandler? handler)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>The token endpoint; null where the registry takes Basic itself.</summary>
    /// <param name="registry">The registry's root, https.</param>
    /// <param name="authHost">Where its tokens may come from beside itself, by the person's own word; null: nowhere.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="MoatException">It cannot be reached, wants neither, or names a realm that is not its own.</exception>
    internal async Task<Uri?> RealmAsync(Uri registry, string? authHost, CancellationToken ct)
    {
        using var response = await SendAsync(new Uri(registry, "/v2/"), null, ct).ConfigureAwait(false);
        if (AuthChallenge.Find(response.Headers, "Bearer") is { } bearer && bearer.Parameters.TryGetValue("realm", out var text))
        {
            var realm = OAuthHttp.Endpoint(text, "the registry's realm");
            // A realm of anybody's choice would be sent the password.
            if (realm.Authority != registry.Authority && realm.Authority != authHost)
                throw new MoatException($"{registry.Authority} wants its credential sent to {realm.Authority}", $"if that host is the registry's own, say so: moat grant docker --registry {registry.Authority} --auth-host {realm.Authority}");
            if (GrantScope.PathProblem(realm.AbsolutePath) is { } problem) throw new MoatException($"the realm of {registry.Authority} cannot be matched: {problem}", "ask who runs the registry");
            return realm;
        }
        if (AuthChallenge.Find(response.Headers, "Basic") is not null) return null;
        throw new MoatException($"{registry.Authority} does not ask for a credential as a registry does (status {(int)response.StatusCode})", "check --registry");
    }

    /// <summary>Shows the credential once.</summary>
    /// <exception cref="MoatException">It is not taken. No text holds it.</exception>
    internal async Task CheckAsync(Uri registry, Uri? realm, string user, Secret password, CancellationToken ct)
    {
        using var response = await SendAsync(realm ?? new Uri(registry, "/v2/"), Basic(user, password), ct).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw new MoatException($"{(realm ?? registry).Authority} does not accept the credential of {GrantNames.Printable(user)} (status {(int)response.StatusCode})", "docker login there anew, then grant again; --no-validate stores it unchecked");
    }

    private static AuthenticationHeaderValue Basic(string user, Secret password)
        => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{Encoding.UTF8.GetString(password.Reveal())}")));

    private async Task<HttpResponseMessage> SendAsync(Uri url, AuthenticationHeaderValue? authorization, CancellationToken ct)
    {
        using var client = handler is not null ? new HttpClient(handler, disposeHandler: false) : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        client.Timeout = s_patience;
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("User-Agent", "moat");
        request.Headers.Authorization = authorization;
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
        }
        catch (Exception ex) when (ex is HttpRequestException || (ex is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw new MoatException($"{url.Authority} cannot be reached ({(ex as HttpRequestException)?.HttpRequestError.ToString() ?? "no answer in time"})", "check --registry and the network");
        }
    }
}
