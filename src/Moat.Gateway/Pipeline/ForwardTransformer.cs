using System.Collections.Frozen;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Moat.Gateway.Aws;
using Moat.Gateway.Captures;
using Moat.Gateway.Injections;
using Moat.Gateway.Mcp;
using Moat.Gateway.Redaction;
using Moat.Gateway.WebSockets;
using Yarp.ReverseProxy.Forwarder;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// What YARP's forwarder asks on the way out and back: the upstream request's head with credentials written in, the
/// response's head and trailers with secrets taken out, and the redacting body stream in between. Hop-by-hop fields
/// (RFC 9110 §7.6.1) end here; nothing is added that would tell the upstream of a proxy.
/// </summary>
internal sealed class ForwardTransformer(Exchange exchange) : HttpTransformer
{
    /// <summary>The target goes out as policy saw it: Uri may not decode or shorten it.</summary>
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private static readonly FrozenSet<string> HopByHop = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
        "TE", "Transfer-Encoding", "Upgrade", "HTTP2-Settings");

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        var injections = exchange.Injections;
        var request = httpContext.Request;
        var nominated = request.Headers.Connection;
        foreach (var (name, values) in request.Headers)
        {
            if (name.Length == 0 || name[0] == ':' || name.Equals(HeaderNames.Host, StringComparison.OrdinalIgnoreCase)
                || HopByHop.Contains(name) || IsNominated(nominated, name) || (!injections.IsEmpty && IsReplaced(name))
                || (exchange.Aws is not null && AwsSigning.Replaces(name)))
                continue;
            Add(proxyRequest, name, values);
        }
        if (AcceptsTrailers(request.Headers))
            proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.TE, "trailers");

        var target = exchange.Target;
        for (var i = 0; i < injections.Length; i++)
        {
            var (injection, value) = (injections[i], exchange.Credentials[i]);
            if (injection.NeedsPlaceholder)
                target = SlotWriter.Write(proxyRequest, target, injection, value);
            else if (!proxyRequest.Headers.TryAddWithoutValidation(injection.Header, value))
                throw new InvalidOperationException($"the header {injection.Header} takes no credential");
            foreach (var extra in injection.Grant.ExtraHeaders)
            {
                SlotWriter.AddToList(proxyRequest, extra.Name, extra.Value);
            }
        }
        if (exchange.WebSocket is not null)
            WebSocketRelay.Prepare(proxyRequest);
        ExchangeRedaction.Prepare(proxyRequest, exchange.Redactor, !injections.IsEmpty && exchange.Aws is not { AllowsRanges: true });
        if (exchange.Aws is { } aws)
            target = aws.Sign(proxyRequest, exchange.Destination.Authority.ToUriAuthority(443), target);
        if (exchange.Mcp is not null)
            McpExchange.Prepare(proxyRequest);
        if (exchange.Capture is not null)
            TokenAnswer.Prepare(proxyRequest);
        proxyRequest.RequestUri = new Uri(destinationPrefix + target, Verbatim);
        return default;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
            return new ValueTask<bool>(false);
        return exchange.Capture is { } place ? CaptureAsync(httpContext, proxyResponse, place, cancellationToken) : AnswerAsync(httpContext, proxyResponse, cancellationToken);
    }

    /// <summary>Keeps the tokens of the answer before anything else sees it.</summary>
    private async ValueTask<bool> CaptureAsync(HttpContext httpContext, HttpResponseMessage response, CapturePlace place, CancellationToken ct)
    {
        await TokenAnswer.CaptureAsync(response, exchange.Book!, place, ct);
        exchange.Redactor = exchange.Run!.Current;
        return await AnswerAsync(httpContext, response, ct);
    }

    private ValueTask<bool> AnswerAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        // RFC 8441 §5: over HTTP/2 an accepted WebSocket is a 200 to CONNECT. Either way the body is both directions.
        var upgraded = proxyResponse.StatusCode == HttpStatusCode.SwitchingProtocols
            || (proxyResponse.StatusCode == HttpStatusCode.OK && proxyResponse.RequestMessage?.Headers.Protocol is not null);
        var body = proxyResponse.Content;
        ExchangeRedaction.Apply(proxyResponse, exchange.Redactor, !exchange.Injections.IsEmpty, exchange.Aws is { AllowsRanges: true });
        if (exchange.Mcp is { } mcp && !upgraded)
            return WatchAsync(mcp, httpContext, proxyResponse, body, cancellationToken);
        Pass(httpContext, proxyResponse, body, upgraded);
        return new ValueTask<bool>(true);
    }

    private async ValueTask<bool> WatchAsync(McpExchange mcp, HttpContext httpContext, HttpResponseMessage proxyResponse, HttpContent body, CancellationToken cancellationToken)
    {
        await mcp.WatchAsync(proxyResponse, cancellationToken);
        Pass(httpContext, proxyResponse, body, upgraded: false);
        return true;
    }

    private void Pass(HttpContext httpContext, HttpResponseMessage proxyResponse, HttpContent body, bool upgraded)
    {
        if (proxyResponse.ReasonPhrase is { } phrase && !HttpProtocol.IsHttp2(httpContext.Request.Protocol) && !exchange.Redactor.IsEmpty)
            httpContext.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = phrase;
        Copy(proxyResponse.Headers.NonValidated, httpContext.Response.Headers);
        Copy(proxyResponse.Content.Headers.NonValidated, httpContext.Response.Headers);
        if (!upgraded)
            proxyResponse.Content = new RelayContent(proxyResponse.Content, exchange);
        else if (exchange.WebSocket is { } socket)
            proxyResponse.Content = socket.Accept(proxyResponse, body);
        else
            throw new RedactionRefusedException("the upstream switched to a protocol that nobody asked for");
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        if (httpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { IsReadOnly: false } trailers)
            Copy(proxyResponse.TrailingHeaders.NonValidated, trailers);
        return default;
    }

    /// <summary>True for what the agent may not say itself on a request that carries a credential.</summary>
    private bool IsReplaced(string name)
    {
        foreach (var injection in exchange.Injections)
        {
            if (name.Equals(injection.Header, StringComparison.OrdinalIgnoreCase))
                return true;
            foreach (var removed in injection.Grant.RemoveHeaders)
            {
                if (name.Equals(removed, StringComparison.OrdinalIgnoreCase))
                    return true;
            }
        }
        return false;
    }

    private static void Add(HttpRequestMessage request, string name, StringValues values)
    {
        // Two Cookie lines are legal in HTTP/2 and joined in HTTP/1.1 (RFC 9113 §8.2.3).
        if (values.Count > 1 && name.Equals(HeaderNames.Cookie, StringComparison.OrdinalIgnoreCase))
            values = string.Join("; ", values.ToArray());
        if (Add(request.Headers, name, values))
            return;
        // HttpClient keeps Content-Length and its kind with the body; without a body they say nothing.
        if (request.Content is { } content && !Add(content.Headers, name, values))
            throw new InvalidOperationException("a request header cannot be forwarded");
    }

    private static bool Add(HttpHeaders headers, string name, StringValues values) => values.Count == 1
        ? headers.TryAddWithoutValidation(name, values[0])
        : headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);

    private static void Copy(HttpHeadersNonValidated source, IHeaderDictionary destination)
    {
        source.TryGetValues(HeaderNames.Connection, out var nominated);
        foreach (var (name, values) in source)
        {
            // Alt-Svc would send clients to a door that does not exist (QUIC).
            if (HopByHop.Contains(name) || name.Equals(HeaderNames.AltSvc, StringComparison.OrdinalIgnoreCase) || IsNominated(nominated, name))
                continue;
            destination[name] = values.Count == 1 ? values.ToString() : values.ToArray();
        }
    }

    private static bool AcceptsTrailers(IHeaderDictionary headers)
    {
        foreach (var value in headers.TE)
        {
            if (value is not null && value.Contains("trailers", StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static bool IsNominated(StringValues connection, string name)
    {
        for (var i = 0; i < connection.Count; i++)
        {
            if (Lists(connection[i], name))
                return true;
        }
        return false;
    }

    private static bool IsNominated(HeaderStringValues connection, string name)
    {
        if (connection.Count == 0)
            return false;
        foreach (var value in connection)
        {
            if (Lists(value, name))
                return true;
        }
        return false;
    }

    private static bool Lists(ReadOnlySpan<char> list, ReadOnlySpan<char> name)
    {
        if (list.Length < name.Length)
            return false;
        foreach (var range in list.Split(','))
        {
            if (list[range].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
