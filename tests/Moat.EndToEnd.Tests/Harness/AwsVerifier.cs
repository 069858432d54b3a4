using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>
/// Checks a request as AWS does, from the published description of SigV4 and with nothing of Moat's own: one signature, of
/// these keys, over this very request. A wrong, missing or doubled credential fails with the reason.
/// </summary>
internal sealed class AwsVerifier(string keyId, string secret, string session)
{
    /// <summary>What arrived, after every check; <paramref name="Body"/> without the framing of chunks.</summary>
    public sealed record Verified(string Service, string Region, byte[] Body);

    /// <summary>Reads the whole request.</summary>
    /// <exception cref="InvalidOperationException">It is not signed as it must be; the text says why.</exception>
    public async Task<Verified> VerifyAsync(HttpContext context)
    {
        var request = context.Request;
        using var memory = new MemoryStream();
        await request.Body.CopyToAsync(memory);
        var body = memory.ToArray();
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var query = target.Contains('?', StringComparison.Ordinal) ? target[(target.IndexOf('?', StringComparison.Ordinal) + 1)..] : "";
        var path = target.Split('?')[0];
        var pairs = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => (Name: Uri.UnescapeDataString(pair[0]), Value: pair.Length > 1 ? Uri.UnescapeDataString(pair[1]) : "")).ToList();
        var isQuery = pairs.Any(pair => pair.Name == "X-Amz-Signature");

        string? OfQuery(string name) => pairs.Where(pair => pair.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(pair => pair.Value).SingleOrDefault();
        string credential, signed, signature, time, token;
        if (isQuery)
        {
            Require(request.Headers.Authorization.Count == 0, "signed twice");
            Require(OfQuery("X-Amz-Algorithm") == "AWS4-HMAC-SHA256", "another algorithm");
            (credential, signed, signature, time, token) = (OfQuery("X-Amz-Credential")!, OfQuery("X-Amz-SignedHeaders")!, OfQuery("X-Amz-Signature")!, OfQuery("X-Amz-Date")!, OfQuery("X-Amz-Security-Token") ?? "");
        }
        else
        {
            Require(request.Headers.Authorization.Count == 1, $"{request.Headers.Authorization.Count} Authorization headers");
            var value = request.Headers.Authorization.ToString();
            Require(value.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal), "another algorithm");
            var fields = value["AWS4-HMAC-SHA256 ".Length..].Split(", ").Select(field => field.Split('=', 2)).ToDictionary(field => field[0], field => field[1]);
            (credential, signed, signature) = (fields["Credential"], fields["SignedHeaders"], fields["Signature"]);
            (time, token) = (One(request, "X-Amz-Date"), request.Headers["X-Amz-Security-Token"].Count == 0 ? "" : One(request, "X-Amz-Security-Token"));
        }
        Require(token == session, "another session token");
        Require(DateTimeOffset.TryParseExact(time, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) && (DateTimeOffset.UtcNow - at).Duration() < TimeSpan.FromMinutes(15), "another time");
        var scope = credential.Split('/');
        Require(scope.Length == 5 && scope[0] == keyId && scope[1] == time[..8] && scope[4] == "aws4_request", "another key or scope");
        var (region, service) = (scope[2], scope[3]);
        var isS3 = service == "s3";

        var names = signed.Split(';');
        foreach (var (name, _) in request.Headers)
            Require(!name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) || names.Contains(name.ToLowerInvariant()), $"{name} is not signed");
        var hash = request.Headers["X-Amz-Content-Sha256"].Count > 0 ? One(request, "X-Amz-Content-Sha256") : isQuery && isS3 ? "UNSIGNED-PAYLOAD" : Hash(body);
        if (hash.Length == 64) Require(hash == Hash(body), "the body has another hash");
        var canonical = new StringBuilder().Append(request.Method).Append('\n')
            .Append(string.Join('/', path.Split('/').Select(segment => Uri.EscapeDataString(isS3 ? Uri.UnescapeDataString(segment) : segment)))).Append('\n')
            .Append(string.Join('&', pairs.Where(pair => pair.Name != "X-Amz-Signature").Select(pair => (Name: Uri.EscapeDataString(pair.Name), Value: Uri.EscapeDataString(pair.Value)))
                .OrderBy(pair => pair.Name, StringComparer.Ordinal).ThenBy(pair => pair.Value, StringComparer.Ordinal).Select(pair => $"{pair.Name}={pair.Value}"))).Append('\n');
        foreach (var name in names)
            canonical.Append(name).Append(':').Append(string.Join(' ', (name == "host" ? request.Host.Value! : One(request, name)).Split(' ', StringSplitOptions.RemoveEmptyEntries))).Append('\n');
        canonical.Append('\n').Append(signed).Append('\n').Append(hash);
        var key = new[] { time[..8], region, service, "aws4_request" }.Aggregate(Encoding.UTF8.GetBytes("AWS4" + secret), (last, step) => HMACSHA256.HashData(last, Encoding.UTF8.GetBytes(step)));
        var scopeText = $"{time[..8]}/{region}/{service}/aws4_request";
        var expected = Hex(key, $"AWS4-HMAC-SHA256\n{time}\n{scopeText}\n{Hash(Encoding.UTF8.GetBytes(canonical.ToString()))}");
        Require(expected == signature, $"another signature than over\n{canonical}");
        return new Verified(service, region, hash.StartsWith("STREAMING-", StringComparison.Ordinal) ? Unframe(body, key, time, scopeText, signature, hash) : body);
    }

    private static byte[] Unframe(byte[] body, byte[] key, string time, string scope, string seed, string kind)
    {
        var isSigned = !kind.Contains("UNSIGNED", StringComparison.Ordinal);
        var data = new MemoryStream();
        var (at, last) = (0, seed);
        while (true)
        {
            var line = body.AsSpan(at).IndexOf("\r\n"u8);
            var head = Encoding.ASCII.GetString(body, at, line).Split(';');
            var size = int.Parse(head[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var chunk = body.AsSpan(at + line + 2, size);
            if (isSigned)
            {
                last = Hex(key, $"AWS4-HMAC-SHA256-PAYLOAD\n{time}\n{scope}\n{last}\n{Hash([])}\n{Hash(chunk)}");
                Require(head[1] == "chunk-signature=" + last, "another chunk signature");
            }
            data.Write(chunk);
            at += line + 2 + size;
            if (size == 0) break;
            Require(body.AsSpan(at, 2).SequenceEqual("\r\n"u8), "no line break behind a chunk");
            at += 2;
        }
        var lines = Encoding.ASCII.GetString(body, at, body.Length - at).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Require(lines.Length > 0 == kind.EndsWith("-TRAILER", StringComparison.Ordinal), "trailers where none were announced, or the other way round");
        if (isSigned && lines.Length > 0)
            Require(lines[^1] == "x-amz-trailer-signature:" + Hex(key, $"AWS4-HMAC-SHA256-TRAILER\n{time}\n{scope}\n{last}\n{Hash(Encoding.ASCII.GetBytes(string.Concat(lines[..^1].Select(l => l + "\n"))))}"), "another trailer signature");
        return data.ToArray();
    }

    private static string One(HttpRequest request, string name)
    {
        Require(request.Headers[name].Count == 1, $"{request.Headers[name].Count} headers {name}");
        return request.Headers[name].ToString();
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static string Hex(byte[] key, string text) => Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));

    private static void Require(bool holds, string problem)
    {
        if (!holds) throw new InvalidOperationException(problem);
    }
}
