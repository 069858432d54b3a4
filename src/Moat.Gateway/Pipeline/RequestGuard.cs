using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// Refuses what Kestrel lets through but another server could read in a second way. What Kestrel itself refuses
/// (conflicting lengths, spaces before colons, folded lines, line breaks in HTTP/2 fields …) never comes here; the
/// tests under Attacks hold both to it.
/// </summary>
internal static class RequestGuard
{
    // RFC 9110 §5.6.2 tokens without lower case: a method in lower case is another method on paper, and the same one
    // to many servers and to HttpClient, so a rule about DELETE would not see "delete".
    private static readonly SearchValues<char> MethodCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    // Visible ASCII. The backslash, the fragment and whatever browsers "mend" would make two paths of one.
    private static readonly SearchValues<char> TargetCharacters = SearchValues.Create(
        "!\"$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    private static readonly SearchValues<char> ControlCharacters = SearchValues.Create(
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\n\u000B\f\r\u000E\u000F\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F\u007F");

    // RFC 9110 §5.6.2. Kestrel checks names in HTTP/1 only.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Headers by which frameworks run another method or path than the request line's, with '-' and '_' alike.</summary>
    private static readonly string[] OverrideHeaders =
        ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "x-override-url"];

    /// <param name="method">The method that policy decides on: GET for an HTTP/2 WebSocket (RFC 8441).</param>
    /// <param name="overrides">True when a header asks the server for another method or path.</param>
    public static Refusal? Check(HttpContext context, string rawTarget, out string method, out bool overrides)
    {
        overrides = false;
        method = context.Request.Method;
        var headers = context.Request.Headers;
        if (method.Length == 0 || method.AsSpan().ContainsAnyExcept(MethodCharacters))
            return Refusal.ByProtocol("the method is not written in upper case");
        if (HttpMethods.IsTrace(method))
            return Refusal.ByProtocol("TRACE would show the request's credentials", 405);
        if (HttpMethods.IsConnect(method))
        {
            if (context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true, Protocol: "websocket" })
                return new Refusal(403, DenialKind.Protocol, "no tunnel inside a tunnel", "CONNECT would hide requests from the gateway", "send the request itself");
            method = HttpMethods.Get;
        }
        if (rawTarget.AsSpan().ContainsAnyExcept(TargetCharacters))
            return Refusal.ByProtocol("the request target holds a character that must be percent-encoded");
        if (!CheckFraming(context, headers, out var error))
            return Refusal.ByProtocol(error);

        foreach (var (name, values) in headers)
        {
            if (name.AsSpan().ContainsAnyExcept(NameCharacters))
                return Refusal.ByProtocol("a header name holds a character that no name has");
            if (IsOverride(name))
                overrides = true;
            for (var i = 0; i < values.Count; i++)
            {
                if (values[i].AsSpan().ContainsAny(ControlCharacters))
                    return Refusal.ByProtocol("a header value holds a control character");
            }
        }
        return null;
    }

    private static bool CheckFraming(HttpContext context, IHeaderDictionary headers, out string error)
    {
        error = "";
        var encoding = headers.TransferEncoding;
        if (encoding.Count > 0)
        {
            var http11 = context.Request.Protocol == HttpProtocol.Http11;
            // Kestrel renames a Content-Length that came along with chunks.
            if (!http11 || encoding.Count != 1 || !string.Equals(encoding[0], "chunked", StringComparison.OrdinalIgnoreCase))
                error = "Transfer-Encoding is 'chunked' in HTTP/1.1 or absent";
            else if (headers.ContainsKey(HeaderNames.ContentLength) || headers.ContainsKey("X-Content-Length"))
                error = "the request has two lengths";
        }

        var upgrade = headers.Upgrade;
        if (upgrade.Count > 0 && !(upgrade.Count == 1 && string.Equals(upgrade[0], "websocket", StringComparison.OrdinalIgnoreCase)))
        {
            // A server may ignore an upgrade (RFC 9110 §7.8); h2c would take the connection away from the gateway.
            headers.Remove(HeaderNames.Upgrade);
            headers.Remove("HTTP2-Settings");
        }
        else if (upgrade.Count > 0 && !HttpMethods.IsGet(context.Request.Method))
        {
            // RFC 6455 §4.1; the upstream would get a GET that the policy never saw.
            error = "a WebSocket is asked for with GET";
        }
        return error.Length == 0;
    }

    private static bool IsOverride(string name)
    {
        if (name.Length < 13 || (name[0] | 0x20) != 'x')
            return false;
        foreach (var candidate in OverrideHeaders)
        {
            if (candidate.Length == name.Length && SameName(candidate, name))
                return true;
        }
        return false;
    }

    private static bool SameName(string candidate, string name)
    {
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i] == '_' ? '-' : char.ToLowerInvariant(name[i]);
            if (c != candidate[i])
                return false;
        }
        return true;
    }
}
