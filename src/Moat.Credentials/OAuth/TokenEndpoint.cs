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

    /// <summary>The code of RFC 6749 §5.2 or RFC 8628 §3.5, if it is one of those; else empty.</summary>
    internal string Code { get; init; } = "";
}

/// <summary>Asks a token endpoint for an access token (RFC 6749 §4.1.3, §6; RFC 8628 §3.4). Secrets travel in pinned, zeroed bytes; no redirect is followed.</summary>
internal sealed class TokenEndpoint(HttpMessageHandler? handler)
{
    private const int MaxAnswer = 64 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <exception cref="TokenRefusedException">No new token.</exception>
    internal Task<TokenAnswer> RefreshAsync(RefreshInfo info, StoredCredential credential, CancellationToken ct)
        => RefreshAsync(info, credential.Parts.GetValueOrDefault(RefreshInfo.RefreshPart), credential.Parts.GetValueOrDefault(RefreshInfo.ClientSecretPart), ct);

    /// <param name="info">The endpoint, the client, and what is shown.</param>
    /// <param name="refresh">Refresh token or key, by the kind.</param>
    /// <param name="secret">The client's secret, where it has one.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="TokenRefusedException">No new token.</exception>
    internal Task<TokenAnswer> RefreshAsync(RefreshInfo info, Secret? refresh, Secret? secret, CancellationToken ct)
    {
        List<(string, string)> grant = info.Kind switch
        {
            RefreshKind.RefreshToken => [("grant_type", "refresh_token"), ("refresh_token", Encoding.UTF8.GetString(refresh!.Reveal()))],
            RefreshKind.Assertion => [("grant_type", SignedAssertion.GrantType), ("assertion", SignedAssertion.Sign(info, refresh!))],
            _ => [("grant_type", "client_credentials"), ("scope", info.Scope)],
        };
        return AskAsync(info, grant, secret, ct);
    }

    /// <param name="info">The endpoint and the client.</param>
    /// <param name="grant">The fields of the grant; client and resource are added.</param>
    /// <param name="secret">The client's secret, where it has one.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="TokenRefusedException">No token.</exception>
    internal async Task<TokenAnswer> AskAsync(RefreshInfo info, IReadOnlyList<(string Name, string Value)> grant, Secret? secret, CancellationToken ct)
    {
        if (!Uri.TryCreate(info.TokenUrl, UriKind.Absolute, out var url) || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
            throw new TokenRefusedException("its token endpoint is no https address", isFinal: true);
        var body = Body(info, grant, secret);
        var answer = GC.AllocateUninitializedArray<byte>(MaxAnswer, pinned: true);
        try
        {
            using var client = handler is not null ? new HttpClient(handler, disposeHandler: false) : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
            client.Timeout = s_patience;
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Headers.TryAddWithoutValidation("User-Agent", "moat");
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            if (info.UsesBasic && secret is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Basic(info.ClientId, secret));
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

    private static byte[] Body(RefreshInfo info, IReadOnlyList<(string Name, string Value)> grant, Secret? secret)
    {
        List<(string Name, string Value)> fields = [.. grant];
        // An assertion names its issuer itself.
        if (info.Kind != RefreshKind.Assertion && (!info.UsesBasic || secret is null)) fields.Add(("client_id", info.ClientId));
        if (secret is not null && !info.UsesBasic) fields.Add(("client_secret", Encoding.UTF8.GetString(secret.Reveal())));
        if (info.Resource.Length > 0) fields.Add(("resource", info.Resource));
        var text = info.IsJson
            ? "{" + string.Join(',', fields.Select(field => $"\"{field.Name}\":\"{JsonEncodedText.Encode(field.Value)}\"")) + "}"
            : string.Join('&', fields.Select(field => $"{field.Name}={Uri.EscapeDataString(field.Value)}"));
        return Encoding.UTF8.GetBytes(text);
    }

    // RFC 6749 §2.3.1: both sides in the form's own coding first.
    private static string Basic(string client, Secret secret)
        => Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(client)}:{Uri.EscapeDataString(Encoding.UTF8.GetString(secret.Reveal()))}"));

    private static TokenAnswer Read(HttpStatusCode status, ReadOnlySpan<byte> json)
    {
        Secret? access = null, refresh = null;
        try
        {
            var (lifetime, error, isBearer) = Fields(json, ref access, ref refresh);
            // RFC 6749 §7.1: a token of a kind that is not understood may not be used.
            if (!isBearer) throw new TokenRefusedException("the token endpoint gave a token that is no bearer token", isFinal: false);
            if ((int)status is >= 200 and < 300 && access is { Length: > 0 })
            {
                var answer = new TokenAnswer(access, refresh, lifetime);
                (access, refresh) = (null, null);
                return answer;
            }
            // RFC 6749 §5.2: these say that the refresh token, or the client, is no good any more. Whatever else is wrong may pass.
            var isFinal = (int)status is >= 400 and < 500 && error is "invalid_grant" or "invalid_client" or "unauthorized_client";
            throw new TokenRefusedException(isFinal ? $"its service refused to renew it ({error})" : string.Create(CultureInfo.InvariantCulture, $"the token endpoint answered with status {(int)status}"), isFinal) { Code = KnownCode(error) };
        }
        finally
        {
            access?.Dispose();
            refresh?.Dispose();
        }
    }

    private static string KnownCode(string error)
        => error is "invalid_grant" or "invalid_client" or "unauthorized_client" or "invalid_request" or "invalid_scope" or "unsupported_grant_type" or "authorization_pending" or "slow_down" or "access_denied" or "expired_token" ? error : "";

    private static (TimeSpan? Lifetime, string Error, bool IsBearer) Fields(ReadOnlySpan<byte> json, ref Secret? access, ref Secret? refresh)
    {
        TimeSpan? lifetime = null;
        var error = "";
        var isBearer = true;
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return (null, "", true);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isKind = reader.ValueTextEquals("token_type"u8);
                var (isAccess, isRefresh, isLifetime, isError) = (reader.ValueTextEquals("access_token"u8), reader.ValueTextEquals("refresh_token"u8), reader.ValueTextEquals("expires_in"u8), reader.ValueTextEquals("error"u8));
                reader.Read();
                if (isAccess && reader.TokenType == JsonTokenType.String) Take(ref reader, ref access);
                else if (isRefresh && reader.TokenType == JsonTokenType.String) Take(ref reader, ref refresh);
                else if (isLifetime && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var seconds) && seconds is > 0 and < 10L * 365 * 24 * 3600) lifetime = TimeSpan.FromSeconds(seconds);
                else if (isError && reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length < 64) error = reader.GetString()!;
                else if (isKind && reader.TokenType == JsonTokenType.String) isBearer = reader.GetString()!.Equals("Bearer", StringComparison.OrdinalIgnoreCase);
                else reader.Skip();
            }
        }
        catch (JsonException)
        {
            // What is no JSON is no token either; the status says the rest.
            return (null, "", true);
        }
        return (lifetime, error, isBearer);
    }

    private static void Take(ref Utf8JsonReader reader, ref Secret? secret)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(reader.ValueSpan.Length, pinned: true);
        secret?.Dispose();
        secret = Secret.Take(buffer.AsSpan(0, reader.CopyString(buffer)));
    }
}
