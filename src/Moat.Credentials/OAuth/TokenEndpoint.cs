using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Moat.Credentials;

/// <summary>What a token endpoint gave. <paramref name="Refresh"/> null: the old refresh token goes on.</summary>
internal sealed record TokenAnswer(Secret Access, Secret? Refresh, TimeSpan? Lifetime) : IDisposable
{
    /// <summary>Further secrets that belong to the access token.</summary>
    internal ImmutableSortedDictionary<string, Secret> Parts { get; init; } = ImmutableSortedDictionary<string, Secret>.Empty;

    public void Dispose()
    {
        Access.Dispose();
        Refresh?.Dispose();
        foreach (var part in Parts.Values) part.Dispose();
    }
}

/// <summary>The endpoint refused (<paramref name="isFinal"/>: for good), or could not be asked. The text holds no secret and nothing the endpoint wrote.</summary>
internal sealed class TokenRefusedException(string reason, bool isFinal) : Exception(reason)
{
    internal bool IsFinal => isFinal;
}

/// <summary>Asks a token endpoint for a new access token (RFC 6749 §6). Secrets travel in pinned, zeroed bytes; no redirect is followed.</summary>
internal sealed class TokenEndpoint(HttpMessageHandler? handler)
{
    private const int MaxAnswer = 64 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <exception cref="TokenRefusedException">No new token.</exception>
    internal async Task<TokenAnswer> RefreshAsync(RefreshInfo info, StoredCredential credential, CancellationToken ct)
    {
        if (!Uri.TryCreate(info.TokenUrl, UriKind.Absolute, out var url) || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
            throw new TokenRefusedException("its token endpoint is no https address", isFinal: true);
        var body = Body(info, credential);
        var answer = GC.AllocateUninitializedArray<byte>(MaxAnswer, pinned: true);
        try
        {
            using var client = handler is not null ? new HttpClient(handler, disposeHandler: false) : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
            client.Timeout = s_patience;
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Headers.TryAddWithoutValidation("User-Agent", "moat");
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(info.IsJson ? "application/json" : "application/x-www-form-urlencoded");
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var length = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
                return Read(response.StatusCode, answer.AsSpan(0, length));
            }
        }
        catch (HttpRequestException ex)
        {
            throw new TokenRefusedException($"{url.Host} cannot be reached ({ex.HttpRequestError})", isFinal: false);
        }
        catch (IOException)
        {
            throw new TokenRefusedException($"{url.Host} broke off", isFinal: false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TokenRefusedException($"{url.Host} did not answer in time", isFinal: false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body);
            CryptographicOperations.ZeroMemory(answer);
        }
    }

    private static byte[] Body(RefreshInfo info, StoredCredential credential)
    {
        var fields = new List<(string Name, string Value)>
        {
            ("grant_type", "refresh_token"),
            ("refresh_token", Encoding.UTF8.GetString(credential.Parts[RefreshInfo.RefreshPart].Reveal())),
            ("client_id", info.ClientId),
        };
        if (credential.Parts.TryGetValue(RefreshInfo.ClientSecretPart, out var secret)) fields.Add(("client_secret", Encoding.UTF8.GetString(secret.Reveal())));
        var text = info.IsJson
            ? "{" + string.Join(',', fields.Select(field => $"\"{field.Name}\":\"{JsonEncodedText.Encode(field.Value)}\"")) + "}"
            : string.Join('&', fields.Select(field => $"{field.Name}={Uri.EscapeDataString(field.Value)}"));
        return Encoding.UTF8.GetBytes(text);
    }

    private static TokenAnswer Read(HttpStatusCode status, ReadOnlySpan<byte> json)
    {
        Secret? access = null, refresh = null;
        try
        {
            var (lifetime, error) = Fields(json, ref access, ref refresh);
            if ((int)status is >= 200 and < 300 && access is { Length: > 0 })
            {
                var answer = new TokenAnswer(access, refresh, lifetime);
                (access, refresh) = (null, null);
                return answer;
            }
            // RFC 6749 §5.2: these say that the refresh token, or the client, is no good any more. Whatever else is wrong may pass.
            var isFinal = (int)status is >= 400 and < 500 && error is "invalid_grant" or "invalid_client" or "unauthorized_client";
            throw new TokenRefusedException(isFinal ? $"its service refused to renew it ({error})" : string.Create(CultureInfo.InvariantCulture, $"the token endpoint answered with status {(int)status}"), isFinal);
        }
        finally
        {
            access?.Dispose();
            refresh?.Dispose();
        }
    }

    private static (TimeSpan? Lifetime, string Error) Fields(ReadOnlySpan<byte> json, ref Secret? access, ref Secret? refresh)
    {
        TimeSpan? lifetime = null;
        var error = "";
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return (null, "");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isAccess, isRefresh, isLifetime, isError) = (reader.ValueTextEquals("access_token"u8), reader.ValueTextEquals("refresh_token"u8), reader.ValueTextEquals("expires_in"u8), reader.ValueTextEquals("error"u8));
                reader.Read();
                if (isAccess && reader.TokenType == JsonTokenType.String) Take(ref reader, ref access);
                else if (isRefresh && reader.TokenType == JsonTokenType.String) Take(ref reader, ref refresh);
                else if (isLifetime && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var seconds) && seconds is > 0 and < 10L * 365 * 24 * 3600) lifetime = TimeSpan.FromSeconds(seconds);
                else if (isError && reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length < 64) error = reader.GetString()!;
                else reader.Skip();
            }
        }
        catch (JsonException)
        {
            // What is no JSON is no token either; the status says the rest.
            return (null, "");
        }
        return (lifetime, error);
    }

    private static void Take(ref Utf8JsonReader reader, ref Secret? secret)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(reader.ValueSpan.Length, pinned: true);
        secret?.Dispose();
        secret = Secret.Take(buffer.AsSpan(0, reader.CopyString(buffer)));
    }
}
