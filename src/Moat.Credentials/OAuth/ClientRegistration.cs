using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>A client: public, or with a secret, which this owns.</summary>
internal sealed record OAuthClient(string Id, Secret? Secret, bool UsesBasic) : IDisposable
{
    public void Dispose() => Secret?.Dispose();
}

/// <summary>Registers a client with a server that knows none of us (RFC 7591).</summary>
internal static class ClientRegistration
{
    private const int MaxId = 512;

    /// <param name="http">Asks.</param>
    /// <param name="endpoint">The registration endpoint.</param>
    /// <param name="redirect">Where answers come back to; null: nowhere, the device flow has none.</param>
    /// <param name="scopes">Scopes, or empty.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="MoatException">It was refused.</exception>
    internal static async Task<OAuthClient> RegisterAsync(OAuthHttp http, Uri endpoint, Uri? redirect, string scopes, CancellationToken ct)
    {
        using var document = await http.PostAsync(endpoint, Request(redirect, scopes), "application/json", ct).ConfigureAwait(false)
            ?? throw new MoatException($"{endpoint.Host} registers no client", "make one there by hand, then name it: --client-id");
        var answer = document.RootElement;
        if (OAuthServer.Text(answer, "client_id") is not { Length: <= MaxId } id || id.Any(c => c is < '!' or > '~')) throw new MoatException($"{endpoint.Host} answered a registration without a client", "make one there by hand, then name it: --client-id");
        var secret = OAuthServer.Text(answer, "client_secret") is { } text ? Secret.FromText(text) : null;
        return new OAuthClient(id, secret, OAuthServer.Text(answer, "token_endpoint_auth_method") == "client_secret_basic");
    }

    private static byte[] Request(Uri? redirect, string scopes)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("client_name"u8, "Moat");
            json.WriteStartArray("grant_types"u8);
            json.WriteStringValue(redirect is null ? DeviceFlow.GrantType : "authorization_code");
            json.WriteStringValue("refresh_token"u8);
            json.WriteEndArray();
            if (redirect is not null)
            {
                json.WriteStartArray("redirect_uris"u8);
                json.WriteStringValue(redirect.OriginalString);
                json.WriteEndArray();
                json.WriteStartArray("response_types"u8);
                json.WriteStringValue("code"u8);
                json.WriteEndArray();
            }
            json.WriteString("token_endpoint_auth_method"u8, "none"u8);
            if (scopes.Length > 0) json.WriteString("scope"u8, scopes);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
