using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Redaction;
using ZstdSharp;

namespace Moat.Gateway.Mcp;

/// <summary>
/// Reads a request's body before anything of it leaves, decoded. What is forwarded then is what was read: the server has no
/// coding of its own to look at.
/// </summary>
internal static class McpRequestBody
{
    /// <summary>Bytes of a body, decoded.</summary>
    public const int MaxLength = 8 * 1024 * 1024;

    private static readonly SearchValues<byte> Blanks = SearchValues.Create(" \t\r\n\v\f"u8);

    /// <summary>Reads the body and puts what was read in its place.</summary>
    /// <param name="strict">False: what cannot be looked into goes on as it is, for the host may be no MCP server at all.</param>
    /// <returns>The body's text where it is JSON or could be taken for it; otherwise null, with a refusal or without.</returns>
    public static async ValueTask<(ReadOnlyMemory<byte>? Json, Refusal? Refusal)> ReadAsync(HttpRequest request, HeldBuffer buffer, bool strict)
    {
        if (request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true })
            return default;
        var json = IsJsonType(request, out var otherCharset);
        var encoded = request.Headers.ContentEncoding.Count > 0;
        if (!strict && (!json || otherCharset || encoded || request.ContentLength > MaxLength))
            return default;
        if (ContentCodings.Parse(request.Headers.ContentEncoding.Select(static value => value ?? "")) is not { } codings)
            return (null, Refuse(415, "the body is in a content coding that the gateway cannot look into"));

        var raw = request.Body;
        bool whole;
        try
        {
            await using var decoder = codings.Count == 0 ? null : ContentCodings.Decode(raw, codings);
            whole = await buffer.TryReadAsync(decoder ?? raw, request.HttpContext.RequestAborted);
        }
        catch (Exception e) when (codings.Count > 0 && e is InvalidDataException or ZstdException)
        {
            return (null, Refuse(400, "the body cannot be decoded"));
        }
        json |= Begins(buffer.Bytes.Span);
        if (!whole)
        {
            if (strict && (json || codings.Count > 0))
                return (null, Refuse(413, string.Create(CultureInfo.InvariantCulture, $"a message to an MCP server is judged as a whole, and this one is longer than {MaxLength / 1024 / 1024} MiB (or too many are under way)")));
            request.Body = new PrefixedStream(buffer.Bytes.ToArray(), raw);
            return default;
        }
        Replace(request, buffer.Bytes.ToArray());
        if (!json || buffer.Length == 0)
            return default;
        return otherCharset ? (null, Refuse(400, "the body is not UTF-8")) : (buffer.Bytes, null);
    }

    public static Refusal Refuse(int status, string reason) =>
        new(status, DenialKind.Mcp, "JSON-RPC, unambiguous", reason, "send one JSON-RPC message, or a batch, in UTF-8 that every server reads in one way");

    private static void Replace(HttpRequest request, byte[] bytes)
    {
        request.Headers.ContentEncoding = default;
        request.Headers.TransferEncoding = default;
        request.Body = new MemoryStream(bytes, writable: false);
        request.ContentLength = bytes.Length;
    }

    // Servers differ in how much they ask of the type: none at all is JSON to many.
    private static bool IsJsonType(HttpRequest request, out bool otherCharset)
    {
        otherCharset = false;
        if (request.Headers.ContentType.Count == 0)
            return true;
        var json = false;
        foreach (var value in request.Headers.ContentType)
        {
            var type = value.AsSpan();
            var end = type.IndexOf(';');
            json |= (end < 0 ? type : type[..end]).Contains("json", StringComparison.OrdinalIgnoreCase) || type.Trim().IsEmpty;
            var charset = type.IndexOf("charset", StringComparison.OrdinalIgnoreCase);
            if (charset < 0)
                continue;
            var name = type[(charset + "charset".Length)..].TrimStart(" \t=").TrimStart('"');
            otherCharset |= !name.StartsWith("utf-8", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("utf8", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("us-ascii", StringComparison.OrdinalIgnoreCase);
        }
        return json;
    }

    // JSON in any of its encodings, whatever the type says.
    private static bool Begins(ReadOnlySpan<byte> body)
    {
        if (body is [0xEF, 0xBB, 0xBF, ..] or [0xFE, 0xFF, ..] or [0xFF, 0xFE, ..] or [0, ..])
            return true;
        var start = body.IndexOfAnyExcept(Blanks);
        return start >= 0 && body[start] is (byte)'{' or (byte)'[';
    }
}
