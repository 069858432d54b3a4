using System.Net;
using System.Net.Http.Headers;

namespace Moat.Gateway.Redaction;

/// <summary>
/// The two places where an exchange meets the redactor: the request is prepared so that the answer can be looked into,
/// and the answer is masked. Both do nothing in a run without secrets.
/// </summary>
internal static class ExchangeRedaction
{
    /// <summary>
    /// Narrows what the request invites. On an exchange that carries a credential also:
    /// no <c>Range</c> (two ranges could bring one half of the secret each, and no window sees both; the answer is then the
    /// whole body, which RFC 9110 §14.2 allows a server at any time), no gRPC message compression.
    /// </summary>
    internal static void Prepare(HttpRequestMessage request, SecretRedactor redactor, bool carriesSecret)
    {
        if (redactor.IsEmpty) return;
        var headers = request.Headers;
        if (headers.NonValidated.TryGetValues("Accept-Encoding", out var accepted)) Replace(headers, "Accept-Encoding", ContentCodings.Narrow(accepted));
        if (!carriesSecret) return;
        headers.Remove("Range");
        headers.Remove("If-Range");
        if (headers.NonValidated.Contains("grpc-accept-encoding")) Replace(headers, "grpc-accept-encoding", "identity");
    }

    /// <summary>Masks reason phrase, headers, body and trailers of the answer; the body while it is read.</summary>
    /// <exception cref="RedactionRefusedException">The exchange carried a credential and the answer cannot be looked into.</exception>
    internal static void Apply(HttpResponseMessage response, SecretRedactor redactor, bool carriedSecret, bool allowsPart = false)
    {
        if (redactor.IsEmpty) return;
        var codings = ContentCodings.Parse(Values(response.Content.Headers, "Content-Encoding"));
        if (carriedSecret) RefuseOpaque(response, codings, allowsPart);

        if (redactor.Redact(response.ReasonPhrase) is { } phrase && !ReferenceEquals(phrase, response.ReasonPhrase)) response.ReasonPhrase = phrase;
        Mask(response.Headers, redactor);
        Mask(response.Content.Headers, redactor);
        if (!HasBody(response))
        {
            Mask(response.TrailingHeaders, redactor);
            return;
        }
        response.Content = new RedactedContent(response.Content, codings ?? [], redactor, () => Mask(response.TrailingHeaders, redactor));
    }

    private static void RefuseOpaque(HttpResponseMessage response, List<string>? codings, bool allowsPart)
    {
        if (codings is null && HasBody(response))
            throw new RedactionRefusedException("the upstream answered in a content coding that the gateway cannot look into, on an exchange that carried a credential");
        if (response.StatusCode == HttpStatusCode.PartialContent && !allowsPart)
            throw new RedactionRefusedException("the upstream answered with a part of the body although none was asked for, on an exchange that carried a credential");
        if (Values(response.Headers, "grpc-encoding").Any(value => !value.Equals("identity", StringComparison.OrdinalIgnoreCase)))
            throw new RedactionRefusedException("the upstream compressed gRPC messages although identity was asked for, on an exchange that carried a credential");
    }

    // RFC 9110 §6.4.1.
    private static bool HasBody(HttpResponseMessage response)
        => response.RequestMessage?.Method != HttpMethod.Head && response.StatusCode is not (HttpStatusCode.NoContent or HttpStatusCode.NotModified);

    private static void Mask(HttpHeaders headers, SecretRedactor redactor)
    {
        List<(string Name, string[] Values)>? changed = null;
        foreach (var (name, values) in headers.NonValidated)
        {
            var dirty = !ReferenceEquals(redactor.Redact(name), name);
            foreach (var value in values) dirty |= !ReferenceEquals(redactor.Redact(value), value);
            if (dirty) (changed ??= []).Add((name, [.. values]));
        }
        foreach (var (name, values) in changed ?? [])
        {
            headers.Remove(name);
            // The mask is no token (RFC 9110 §5.1): a header with a secret in its name goes altogether.
            if (!ReferenceEquals(redactor.Redact(name), name)) continue;
            foreach (var value in values) headers.TryAddWithoutValidation(name, redactor.Redact(value));
        }
    }

    private static HeaderStringValues Values(HttpHeaders headers, string name)
        => headers.NonValidated.TryGetValues(name, out var values) ? values : default;

    private static void Replace(HttpHeaders headers, string name, string value)
    {
        headers.Remove(name);
        headers.TryAddWithoutValidation(name, value);
    }
}
