using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Moat.Credentials;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Aws;

/// <summary>
/// Decides on a request to a host of AWS.
/// <code>
///   (1) signed at all? ─► (2) by this run's placeholder, now ─► (3) for the service and region of this host
///       ─► (4) an operation that the grant allows, and no credentials in its answer ─► (5) the signature is right
/// </code>
/// After (5) the request is what the sandbox meant, in a form that AWS reads alike; only then is it signed anew.
/// </summary>
internal static class AwsGate
{
    private const string HashHeader = "X-Amz-Content-Sha256";
    private const string Unsigned = "UNSIGNED-PAYLOAD";

    public static async ValueTask<Refusal?> PrepareAsync(Exchange exchange, AwsSigner signer, string method)
    {
        var (request, target) = (exchange.Http.Request, exchange.Target);

        // 1
        if (AwsClaim.Read(request.Headers, target, out var problem) is not { } claim)
        {
            if (problem.Length > 0)
                return Refuse(signer, problem, "sign with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and with SigV4");
            // It may go out as anybody's request, but carry nothing to anybody.
            return method is "GET" or "HEAD" ? null : Refuse(signer, "it is not signed, and more than a GET", "sign it with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        }

        // 2
        if (claim.KeyId != signer.KeyId)
            return Refuse(signer, "it is signed with a key that is none of this run's", "sign with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        if (exchange.Injections is not [{ Aws: not null }] || exchange.Body is not null)
            return Refuse(signer, "another grant would change the signed request", "use one grant for a host of AWS");
        if (claim.TimeProblem(DateTimeOffset.UtcNow) is { } stale)
            return Refuse(signer, stale, "sign it anew");

        // 3
        var host = exchange.Destination.Authority.Host.Value;
        if (AwsHost.Problem(host, claim.Scope) is { } misdirected)
            return Refuse(signer, misdirected, "sign for the service and the region of the host");

        // 4
        if (PayloadOf(claim, request, target, out var payload) is { } unreadable)
            return Refuse(signer, unreadable, "use STREAMING-AWS4-HMAC-SHA256-PAYLOAD, UNSIGNED-PAYLOAD or the body's hash");
        byte[]? body = null;
        if (payload.Length == 0 || AwsAction.IsInBody(claim.Scope.Service, method, request))
        {
            body = await signer.Bodies.ReadAsync(request);
            if (body is null)
                return TooLong(signer);
            exchange.HoldAwsBody(signer.Bodies, body);
            var hash = SigV4.HashOf(body);
            if (payload.Length == 0)
                payload = hash;
            else if (payload.Length == hash.Length && payload != hash)
                return Refuse(signer, "its body has another hash than the one that is signed", "sign the body that is sent");
        }
        var action = AwsAction.Tell(claim.Scope.Service, method, target, request, body);
        if (AwsCredentialAnswers.Includes(claim.Scope.Service, action, target))
            return Refuse(signer, $"the answer to {(action.Length > 0 ? action : "it")} may be credentials, which no sandbox gets", $"use the grant itself: what {claim.Scope.Service} would hand out is not needed inside");
        if (signer.Outside(claim.Scope, action, method, Plain(host, claim.Scope, target)) is { } scope)
            return Outside(signer, scope, claim.Scope, action, method);

        // 5
        if (ProblemOf(exchange, claim, signer, payload) is { } unsound)
            return Refuse(signer, unsound, "sign with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and send what was signed");
        if (signer.Grant.Snapshot() is not { } secrets)
            return new Refusal(403, DenialKind.Grant, $"grant {signer.Grant.Name}", $"the grant {signer.Grant.Name} cannot be used: {signer.Grant.RevokedReason}", $"moat grant {signer.Grant.Name}");
        exchange.Aws = new AwsSigning(claim, AwsKeys.Of(secrets), payload, signer.PlaceholderKey(claim.Scope), DateTimeOffset.UtcNow);
        return null;
    }

    private static string? PayloadOf(AwsClaim claim, HttpRequest request, string target, out string payload)
    {
        payload = "";
        var told = request.Headers[HashHeader];
        if (claim.InQuery && AwsClaim.QueryOf(target).TryGetValue(HashHeader, out var values))
            told = told.Concat(values).ToArray();
        if (told.Count > 1)
            return $"it has more than one {HashHeader}";
        payload = told.ToString();
        if (payload.Length == 0)
        {
            if (claim.InQuery && CanonicalRequest.KeepsPath(claim.Scope.Service))
                payload = Unsigned;
            else if (request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true })
                payload = SigV4.EmptyHash;
            return null;
        }
        var isKnown = payload is Unsigned or "STREAMING-UNSIGNED-PAYLOAD-TRAILER" or AwsChunks.Signed or AwsChunks.SignedWithTrailer
            || (payload.Length == SigV4.EmptyHash.Length && payload.All(char.IsAsciiHexDigitLower));
        return isKnown ? null : $"its {HashHeader} is of a kind that the gateway does not sign anew";
    }

    private static string? ProblemOf(Exchange exchange, AwsClaim claim, AwsSigner signer, string payload)
    {
        var headers = new List<KeyValuePair<string, string>>(claim.SignedHeaders.Length);
        var request = exchange.Http.Request;
        foreach (var name in claim.SignedHeaders)
        {
            var values = name == "host" ? request.Headers.Host : request.Headers[name];
            if (values.Count > 1)
                return $"the signed header {name} is there twice";
            headers.Add(new(name, values.ToString()));
        }
        var (path, query) = Split(exchange.Target);
        var canonical = CanonicalRequest.Write(request.Method, claim.Scope.Service, path, CanonicalRequest.Query(query, claim.InQuery ? "X-Amz-Signature" : ""), headers, payload);
        var expected = SigV4.Sign(signer.PlaceholderKey(claim.Scope), SigV4.StringToSign(claim.Time, claim.Scope, canonical));
        return SigV4.AreEqual(expected, claim.Signature) ? null : "its signature is not the placeholder's over this request";
    }

    public static (string Path, string Query) Split(string target)
    {
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        return mark < 0 ? (target, "") : (target[..mark], target[(mark + 1)..]);
    }

    private static string Plain(string host, in AwsCredentialScope scope, string target)
        => CanonicalRequest.KeepsPath(scope.Service) && AwsHost.BucketOf(host) is { Length: > 0 } bucket ? $"/{bucket}{target}" : target;

    private static Refusal Refuse(AwsSigner signer, string problem, string mend)
        => new(403, DenialKind.Grant, $"grant {signer.Grant.Name}", $"the request to AWS is not signed anew: {problem}", mend);

    private static Refusal TooLong(AwsSigner signer) => new(
        413, DenialKind.Grant, $"grant {signer.Grant.Name}",
        string.Create(CultureInfo.InvariantCulture, $"the request to AWS is not signed anew: its signature covers a body of more than {AwsBodies.MaxLength >> 20} MiB, or too many such bodies are under way"),
        $"send the body's hash in {HashHeader}, or the body in signed chunks");

    private static Refusal Outside(AwsSigner signer, GrantScope scope, in AwsCredentialScope signed, string action, string method) => new(
        403, DenialKind.Grant, $"scope of the grant {signer.Grant.Name}",
        $"the grant {signer.Grant.Name} is narrowed to {scope.Text}; {signed.Service}@{signed.Region}{(action.Length > 0 ? ":" + action : " " + method)} is outside",
        $"widen what the grant allows: grants in moat.yaml, or moat grant {signer.Grant.Name} --scope");
}
