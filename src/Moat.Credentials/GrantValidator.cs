using System.Globalization;
using System.Net;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Asks a provider whether a credential works. No error text holds the credential, nor what the provider answered.</summary>
internal sealed class GrantValidator(HttpMessageHandler? handler)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    internal async Task ValidateAsync(string name, ProviderValidation validation, Secret token, string source, CancellationToken ct)
    {
        var text = Encoding.ASCII.GetString(token.Reveal());
        var uri = new Uri(validation.Url.Replace("${token}", text, StringComparison.Ordinal));
        // No redirect is followed: it would carry the header to a host that the provider's definition does not name.
        using var client = handler is not null ? new HttpClient(handler, disposeHandler: false) : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        client.Timeout = s_patience;
        using var request = new HttpRequestMessage(new HttpMethod(validation.Method), uri);
        request.Headers.TryAddWithoutValidation("User-Agent", "moat");
        foreach (var extra in validation.Headers) request.Headers.TryAddWithoutValidation(extra.Name, extra.Value);
        if (validation.Header.Length > 0) request.Headers.TryAddWithoutValidation(validation.Header, validation.Prefix + text);
        HttpStatusCode status;
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            status = response.StatusCode;
        }
        catch (HttpRequestException ex)
        {
            throw Unreachable(name, uri, ex.HttpRequestError.ToString());
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Unreachable(name, uri, "no answer in time");
        }
        if ((int)status is >= 200 and < 300) return;
        if (validation.IsOptional && status is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed) return;
        throw status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.BadRequest
            ? new MoatException(string.Create(CultureInfo.InvariantCulture, $"{uri.Host} does not accept the {name} credential from {source} (status {(int)status})"),
                $"make a new one and grant again; `moat grant {name} --no-validate` stores it unchecked")
            : new MoatException(string.Create(CultureInfo.InvariantCulture, $"{uri.Host} did not say whether the {name} credential works (status {(int)status})"),
                $"try again later; `moat grant {name} --no-validate` stores it unchecked");
    }

    private static MoatException Unreachable(string name, Uri uri, string reason)
        => new($"{uri.Host} could not be asked whether the {name} credential works ({reason})",
            $"check the network; `moat grant {name} --no-validate` stores it unchecked");
}
