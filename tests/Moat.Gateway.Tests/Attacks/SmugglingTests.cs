using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

/// <summary>T-50 and its kin over HTTP/1.1: what two parsers could read in two ways is refused, closed and never forwarded.</summary>
public sealed class SmugglingTests
{
    public static TheoryData<string, string> Ambiguous => new()
    {
        { "CL.TE", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" },
        { "TE.CL", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nG\r\n0\r\n\r\n" },
        { "two lengths", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" },
        { "two equal lengths", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na" },
        { "length list", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: 1, 1\r\n\r\na" },
        { "negative length", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: -1\r\n\r\na" },
        { "TE.TE unknown", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
        { "TE.TE twice", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" },
        { "TE.TE list", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
        { "TE.TE chunked twice", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" },
        { "TE with a tab in the name", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" },
        { "space before the colon", $"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length : 1\r\n\r\na" },
        { "folded line", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nX-One: a\r\n b\r\n\r\n" },
        { "bare LF", $"GET / HTTP/1.1\nHost: {Scene.Api}\n\n" },
        { "bare LF in a header", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nX-One: a\nX-Two: b\r\n\r\n" },
        { "bare CR in a header", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nX-One: a\rX-Two: b\r\n\r\n" },
        { "NUL in a header", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nX-One: a\0b\r\n\r\n" },
        { "control character in a header", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nX-One: a\u0001b\r\n\r\n" },
        { "header without a name", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\n: a\r\n\r\n" },
        { "header without a colon", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nNothing\r\n\r\n" },
        { "two hosts", $"GET / HTTP/1.1\r\nHost: {Scene.Api}\r\nHost: {Scene.Plain}\r\n\r\n" },
        { "no host", "GET / HTTP/1.1\r\n\r\n" },
        { "userinfo in Host", $"GET / HTTP/1.1\r\nHost: {Scene.Api}@{Scene.Evil}\r\n\r\n" },
        { "absolute form, other Host", $"GET https://{Scene.Api}/ HTTP/1.1\r\nHost: {Scene.Plain}\r\n\r\n" },
        { "fragment in the target", $"GET /a#b HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n" },
        { "backslash in the target", $"GET /a\\b HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n" },
        { "non-ASCII in the target", $"GET /\u00e9 HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n" },
        { "space in the target", $"GET /a b HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n" },
        { "asterisk form", $"OPTIONS * HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n" },
        { "lower-case method", $"delete / HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n" },
        { "chunks in HTTP/1.0", $"POST / HTTP/1.0\r\nHost: {Scene.Api}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { "HTTP/0.9", "GET /\r\n\r\n" },
        { "HTTP/1.2", $"GET / HTTP/1.2\r\nHost: {Scene.Api}\r\n\r\n" },
        { "HTTP/2 preface without ALPN", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Ambiguous))]
    public async Task T_50_an_ambiguous_request_is_refused_closed_and_never_forwarded(string name, string request)
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("reached"));
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync(request + $"GET /smuggled HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n");
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 505", StringComparison.Ordinal), $"{name}: {answer}");
        Assert.DoesNotContain("reached", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
        Assert.Single(await scene.RecordsAsync(), record => record.Type == "request.denied");
    }

    public static TheoryData<string, string> BadChunks => new()
    {
        { "extension with a bare LF", "1;a\nb\r\nG\r\n0\r\n\r\n" },
        { "extension with a bare CR", "1;a\rb\r\nG\r\n0\r\n\r\n" },
        { "negative size", "-1\r\nG\r\n0\r\n\r\n" },
        { "prefixed size", "0x1\r\nG\r\n0\r\n\r\n" },
        { "overflowing size", "FFFFFFFFFFFFFFFF1\r\nG\r\n0\r\n\r\n" },
        { "chunk longer than its size", "1\r\nGG\r\n0\r\n\r\n" },
        { "LF instead of CRLF", "1\nG\n0\n\n" },
        { "space before the size", " 1\r\nG\r\n0\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(BadChunks))]
    public async Task T_50_a_malformed_chunk_ends_the_connection_and_hides_no_request(string name, string body)
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("all received");
        });
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"POST / HTTP/1.1\r\nHost: {Scene.Api}\r\nTransfer-Encoding: chunked\r\n\r\n{body}GET /smuggled HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n");
        Assert.DoesNotContain("all received", answer, StringComparison.Ordinal);
        Assert.True(scene.Upstream.Seen.All(seen => seen.Target != "/smuggled"), name);
    }

    [Fact]
    public async Task T_50_a_body_behind_GET_belongs_to_that_request()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("ok");
        });
        using var client = await RawClient.ApiAsync(scene);
        // CL.0: a server that ignores the length of a GET would see the body as a request.
        var inner = $"GET /smuggled HTTP/1.1\r\nHost: {Scene.Api}\r\n\r\n";
        await client.ExchangeAsync($"GET /first HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: {inner.Length}\r\n\r\n{inner}GET /second HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.Equal(["/first", "/second"], scene.Upstream.Seen.Select(seen => seen.Target));
    }

    [Theory]
    [InlineData("+1")]
    [InlineData("-0")]
    [InlineData("0x1")]
    [InlineData("1_0")]
    public async Task T_50_a_length_that_is_not_all_digits_is_refused(string length)
    {
        await using var scene = await Scene.StartAsync(async context => await context.Response.WriteAsync("ok"));
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"POST /first HTTP/1.1\r\nHost: {Scene.Api}\r\nContent-Length: {length}\r\n\r\naGET /second HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory]
    [InlineData("TRACE")]
    public async Task T_31_TRACE_is_refused(string method)
    {
        await using var scene = await Scene.StartAsync(context => context.Response.WriteAsync("reached"));
        using var client = await RawClient.ApiAsync(scene);
        var answer = await client.ExchangeAsync($"{method} / HTTP/1.1\r\nHost: {Scene.Api}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 405 ", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }
}
