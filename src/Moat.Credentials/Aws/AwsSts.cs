using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml;

namespace Moat.Credentials;

/// <summary>Asks AWS's Security Token Service, over verified TLS. No error text holds a secret or what the service wrote, but for its error code.</summary>
internal sealed class AwsSts(HttpMessageHandler? handler, TimeProvider time)
{
    private const int MaxAnswer = 64 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // What the service says of a request that would fail again.
    private static readonly string[] s_final = ["AccessDenied", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "MalformedPolicyDocument", "SignatureDoesNotMatch", "UnrecognizedClientException", "ValidationError"];

    /// <summary>A new session of the credential's role. The answer's lifetime is the service's.</summary>
    /// <exception cref="TokenRefusedException">No session.</exception>
    internal async Task<TokenAnswer> AssumeRoleAsync(RefreshInfo info, StoredCredential credential, CancellationToken ct)
    {
        var role = info.Role!;
        var form = new StringBuilder("Action=AssumeRole&Version=2011-06-15")
            .Append("&RoleArn=").Append(CanonicalRequest.Encode(info.ClientId))
            .Append(CultureInfo.InvariantCulture, $"&RoleSessionName=moat-{Guid.NewGuid():N}&DurationSeconds={role.Seconds}");
        if (role.ExternalId.Length > 0) form.Append("&ExternalId=").Append(CanonicalRequest.Encode(role.ExternalId));
        return await AskAsync(info.TokenUrl, role.Region, AwsRole.SourceOf(credential), form.ToString(), ReadSession, ct).ConfigureAwait(false);
    }

    /// <summary>Proves keys: whoever they are of, the service knows them.</summary>
    /// <exception cref="TokenRefusedException">It does not, or could not be asked.</exception>
    internal Task ProveAsync(string url, string region, AwsKeys keys, CancellationToken ct)
        => AskAsync(url, region, keys, "Action=GetCallerIdentity&Version=2011-06-15", static (_, _) => true, ct);

    private async Task<T> AskAsync<T>(string address, string region, AwsKeys keys, string form, Func<XmlReader, DateTimeOffset, T> read, CancellationToken ct)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
            throw new TokenRefusedException("the address of STS is no https address", isFinal: true);
        var answer = GC.AllocateUninitializedArray<byte>(MaxAnswer, pinned: true);
        try
        {
            using var client = handler is not null ? new HttpClient(handler, disposeHandler: false) : new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
            client.Timeout = s_patience;
            using var request = Sign(url, region, keys, form);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var length = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
                using var body = new MemoryStream(answer, 0, length, writable: false);
                using var xml = XmlReader.Create(body, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
                return response.StatusCode == HttpStatusCode.OK ? read(xml, time.GetUtcNow()) : throw Refused(response.StatusCode, xml);
            }
        }
        catch (HttpRequestException ex)
        {
            throw new TokenRefusedException($"{url.Host} cannot be reached ({ex.HttpRequestError})", isFinal: false);
        }
        catch (Exception ex) when (ex is IOException or XmlException or FormatException)
        {
            throw new TokenRefusedException($"{url.Host} did not answer as STS does", isFinal: false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TokenRefusedException($"{url.Host} did not answer in time", isFinal: false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer);
        }
    }

    private HttpRequestMessage Sign(Uri url, string region, AwsKeys keys, string form)
    {
        const string type = "application/x-www-form-urlencoded; charset=utf-8";
        var now = time.GetUtcNow().UtcDateTime.ToString(SigV4.TimeFormat, CultureInfo.InvariantCulture);
        var scope = new AwsCredentialScope(now[..8], region, "sts");
        var body = Encoding.ASCII.GetBytes(form);
        List<KeyValuePair<string, string>> headers = [new("content-type", type), new("host", url.Authority), new("x-amz-date", now)];
        if (keys.SessionToken.Length > 0) headers.Add(new("x-amz-security-token", keys.SessionToken));
        var canonical = CanonicalRequest.Write("POST", scope.Service, url.AbsolutePath, "", headers, SigV4.HashOf(body));
        var key = keys.DeriveKey(scope);
        var signature = SigV4.Sign(key, SigV4.StringToSign(now, scope, canonical));
        CryptographicOperations.ZeroMemory(key);

        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        request.Headers.TryAddWithoutValidation("X-Amz-Date", now);
        if (keys.SessionToken.Length > 0) request.Headers.TryAddWithoutValidation("X-Amz-Security-Token", keys.SessionToken);
        request.Headers.TryAddWithoutValidation("Authorization", $"{SigV4.Algorithm} Credential={keys.KeyId}/{scope}, SignedHeaders={string.Join(';', headers.Select(header => header.Key))}, Signature={signature}");
        return request;
    }

    private static TokenAnswer ReadSession(XmlReader xml, DateTimeOffset now)
    {
        string id = "", secret = "", session = "";
        DateTimeOffset? ends = null;
        xml.MoveToContent();
        while (!xml.EOF)
        {
            if (xml.NodeType != XmlNodeType.Element)
            {
                xml.Read();
                continue;
            }
            switch (xml.LocalName)
            {
                case "AccessKeyId": id = xml.ReadElementContentAsString(); break;
                case "SecretAccessKey": secret = xml.ReadElementContentAsString(); break;
                case "SessionToken": session = xml.ReadElementContentAsString(); break;
                case "Expiration": ends = DateTimeOffset.Parse(xml.ReadElementContentAsString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal); break;
                default: xml.Read(); break;
            }
        }
        if (id.Length < 8 || secret.Length < 8 || session.Length < 8 || ends is not { } end || end <= now) throw new TokenRefusedException("STS gave no session", isFinal: false);
        var parts = ImmutableSortedDictionary<string, Secret>.Empty.Add(AwsKeys.KeyIdPart, Secret.FromText(id)).Add(AwsKeys.SessionPart, Secret.FromText(session));
        return new TokenAnswer(Secret.FromText(secret), null, end - now) { Parts = parts };
    }

    private static TokenRefusedException Refused(HttpStatusCode status, XmlReader xml)
    {
        var code = xml.ReadToFollowing("Code") && xml.ReadElementContentAsString() is { Length: > 0 and < 100 } text && text.All(char.IsAsciiLetterOrDigit) ? text : "";
        return new TokenRefusedException($"STS refused ({(int)status}{(code.Length > 0 ? $", {code}" : "")})", s_final.Contains(code));
    }
}
