using System.Net.Http.Headers;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Asks authorization servers what is no secret. https alone, no redirect is followed, an answer has a bound.</summary>
internal sealed class OAuthHttp(HttpMessageHandler? handler)
{
    private const int MaxAnswer = 256 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>An endpoint: https, without user, fragment and control characters.</summary>
    /// <exception cref="MoatException">It is none.</exception>
    internal static Uri Endpoint(string text, string what)
        => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && url.UserInfo.Length == 0 && url.Fragment.Length == 0 && !text.Any(char.IsControl) ? url
            : throw new MoatException($"{what} \"{GrantNames.Printable(text)}\" is no https address", "an endpoint of OAuth is https://…, without a user and a fragment; nothing else is asked");

    /// <summary>The JSON object at an address; null where there is none (404 and its like), or it cannot be reached.</summary>
    internal async Task<JsonDocument?> GetAsync(Uri url, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        var (_, document) = await SendAsync(request, ct).ConfigureAwait(false);
        return document;
    }

    /// <summary>The parameters of the Bearer challenge with which a resource refuses a request without a credential; null without one.</summary>
    internal async Task<AuthChallenge?> ChallengeAsync(Uri resource, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, resource);
        var (challenge, document) = await SendAsync(request, ct).ConfigureAwait(false);
        document?.Dispose();
        return challenge;
    }

    /// <summary>The JSON object that a POST is answered with; null when it is refused.</summary>
    internal async Task<JsonDocument?> PostAsync(Uri url, byte[] body, string type, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        var (_, document) = await SendAsync(request, ct).ConfigureAwait(false);
        return document;
    }

    private async Task<(AuthChallenge? Challenge, JsonDocument? Document)> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using var client = handler is not null ? new HttpClient(handler, disposeHandler: false) : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        client.Timeout = s_patience;
        request.Headers.TryAddWithoutValidation("User-Agent", "moat");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            var challenge = AuthChallenge.Find(response.Headers, "Bearer");
            if (!response.IsSuccessStatusCode) return (challenge, null);
            var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var buffer = new byte[MaxAnswer];
                var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
                var document = length < MaxAnswer ? JsonDocument.Parse(buffer.AsMemory(0, length)) : null;
                if (document?.RootElement.ValueKind == JsonValueKind.Object) return (challenge, document);
                document?.Dispose();
                return (challenge, null);
            }
        }
        catch (Exception ex) when (ex is HttpRequestException or IOException or JsonException || (ex is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return (null, null);
        }
    }
}
