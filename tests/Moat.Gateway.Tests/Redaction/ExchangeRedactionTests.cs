using System.IO.Compression;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Moat.Gateway.Redaction;
using ZstdSharp;

namespace Moat.Gateway.Tests.Redaction;

public class ExchangeRedactionTests
{
    private readonly byte[] _secret = RedactionGen.NewSecret();

    private string SecretText => Encoding.ASCII.GetString(_secret);

    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("deflate")]
    [InlineData("bare deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("gzip, br")]
    [InlineData("deflate, gzip, zstd")]
    [InlineData("identity, GZIP")]
    public async Task T_31_a_compressed_echo_is_masked_and_forwarded_as_identity(string codings)
    {
        byte[] text = [.. Encoding.ASCII.GetBytes(new string('x', 30_000)), .. _secret, .. Encoding.ASCII.GetBytes(new string('y', 30_000))];
        using var redactor = RedactionGen.Redactor(_secret);
        using var response = Response(new ByteArrayContent(Encode(text, codings)));
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", codings.Replace("bare ", "", StringComparison.Ordinal));
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        Assert.False(response.Content.Headers.Contains("Content-Encoding"));
        Assert.False(response.Content.Headers.Contains("Content-Length"));
        Assert.Equal(RedactionGen.Oracle(text, SecretSpellings.Of(_secret)), await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_compressed_event_goes_out_before_the_next_one_came(string coding)
    {
        using var redactor = RedactionGen.Redactor(_secret);
        var pipe = new Pipe();
        await using var encoder = Encoder(pipe.Writer.AsStream(), coding);
        using var response = Response(new StreamContent(pipe.Reader.AsStream()));
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var buffer = new byte[64 * 1024];
        for (var i = 0; i < 3; i++)
        {
            var line = Encoding.ASCII.GetBytes($"data: {i}\n\n");
            await encoder.WriteAsync(line, TestContext.Current.CancellationToken);
            await encoder.FlushAsync(TestContext.Current.CancellationToken);
            var got = 0;
            while (got < line.Length) got += await body.ReadAsync(buffer.AsMemory(got), TestContext.Current.CancellationToken);
            Assert.Equal(line, buffer[..got]);
        }
    }

    [Fact]
    public async Task T_54_a_decompression_bomb_is_streamed_with_bounded_memory()
    {
        const long size = 1L << 28;
        using var redactor = RedactionGen.Redactor(_secret);
        using var response = Response(new ByteArrayContent(Bomb(size)));
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", "br");
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var buffer = new byte[64 * 1024];
        var before = GC.GetAllocatedBytesForCurrentThread();
        long total = 0;
        while (await body.ReadAsync(buffer, TestContext.Current.CancellationToken) is var read and > 0) total += read;
        Assert.Equal(size, total);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_compressed_body_that_is_cut_short_does_not_look_complete(string coding)
    {
        using var redactor = RedactionGen.Redactor(_secret);
        var whole = Encode(System.Security.Cryptography.RandomNumberGenerator.GetBytes(20_000), coding);
        using var response = Response(new ByteArrayContent(whole[..^100]));
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task An_empty_body_with_a_coding_is_an_empty_body(string coding)
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var response = Response(new ByteArrayContent([]));
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_identity_body_keeps_its_length_header()
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var response = Response(new ByteArrayContent([.. "a"u8, .. _secret, .. "b"u8]));
        var length = response.Content.Headers.ContentLength;
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        Assert.Equal(length, response.Content.Headers.ContentLength);
        Assert.Equal(length, (await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length);
    }

    [Theory]
    [InlineData("Location", "https://x.test/cb?token={0}")]
    [InlineData("Set-Cookie", "s={0}; Path=/")]
    [InlineData("WWW-Authenticate", "Bearer realm=\"{0}\"")]
    [InlineData("Link", "<https://x.test/{0}>; rel=next")]
    [InlineData("Refresh", "0;url=/{0}")]
    [InlineData("Content-Disposition", "attachment; filename={0}")]
    [InlineData("X-Echo", "{0}")]
    public void T_33_a_secret_in_a_header_is_masked(string name, string format)
    {
        using var redactor = RedactionGen.Redactor(_secret);
        foreach (var form in new[] { SecretText, Convert.ToBase64String(Encoding.ASCII.GetBytes("user:" + SecretText)), Convert.ToHexString(_secret) })
        {
            using var response = Response(new ByteArrayContent([]));
            HttpHeaders headers = name.StartsWith("Content-", StringComparison.Ordinal) ? response.Content.Headers : response.Headers;
            headers.TryAddWithoutValidation(name, "clean");
            headers.TryAddWithoutValidation(name, string.Format(null, format, form));
            ExchangeRedaction.Apply(response, redactor, carriedSecret: false);
            headers = name.StartsWith("Content-", StringComparison.Ordinal) ? response.Content.Headers : response.Headers;
            var values = headers.NonValidated[name].ToArray();
            Assert.Equal(2, values.Length);
            Assert.Equal("clean", values[0]);
            Assert.Contains("[moat:redacted]", values[1], StringComparison.Ordinal);
            Assert.DoesNotContain(form[4..20], values[1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task T_31_reason_phrase_header_name_and_trailer_are_masked()
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var response = Response(new ByteArrayContent([1, 2, 3]));
        response.ReasonPhrase = "No " + SecretText;
        response.Headers.TryAddWithoutValidation("X-" + SecretText, "1");
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        Assert.Equal("No [moat:redacted]", response.ReasonPhrase![..18]);
        Assert.Empty(response.Headers.NonValidated);

        // Trailers arrive with the end of the body.
        response.TrailingHeaders.TryAddWithoutValidation("grpc-message", SecretText);
        await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("[moat:redacted]", response.TrailingHeaders.NonValidated["grpc-message"].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("compress")]
    [InlineData("aws-chunked")]
    [InlineData("gzip, unknown")]
    [InlineData("gzip, gzip, gzip, gzip")]
    public void An_unknown_coding_is_refused_after_a_credential_and_passed_without_one(string coding)
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var with = Response(new ByteArrayContent([1]));
        with.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        Assert.Throws<RedactionRefusedException>(() => ExchangeRedaction.Apply(with, redactor, carriedSecret: true));

        using var without = Response(new ByteArrayContent([1]));
        without.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        ExchangeRedaction.Apply(without, redactor, carriedSecret: false);
        Assert.Equal(coding, without.Content.Headers.NonValidated["Content-Encoding"].ToString());
    }

    [Fact]
    public void Opaque_answers_that_nobody_asked_for_are_refused_after_a_credential()
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var part = Response(new ByteArrayContent([1]));
        part.StatusCode = HttpStatusCode.PartialContent;
        Assert.Throws<RedactionRefusedException>(() => ExchangeRedaction.Apply(part, redactor, carriedSecret: true));
        using var grpc = Response(new ByteArrayContent([]));
        grpc.Headers.TryAddWithoutValidation("grpc-encoding", "gzip");
        Assert.Throws<RedactionRefusedException>(() => ExchangeRedaction.Apply(grpc, redactor, carriedSecret: true));
    }

    [Fact]
    public void A_request_with_a_credential_invites_nothing_opaque()
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var request = Request();
        ExchangeRedaction.Prepare(request, redactor, carriesSecret: true);
        Assert.Equal("gzip;q=0.5, zstd", request.Headers.NonValidated["Accept-Encoding"].ToString());
        Assert.Equal("identity", request.Headers.NonValidated["grpc-accept-encoding"].ToString());
        Assert.False(request.Headers.Contains("Range") || request.Headers.Contains("If-Range"));
    }

    [Fact]
    public void A_request_without_a_credential_keeps_its_ranges_and_a_run_without_secrets_keeps_all()
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var request = Request();
        ExchangeRedaction.Prepare(request, redactor, carriesSecret: false);
        Assert.True(request.Headers.Contains("Range"));
        Assert.DoesNotContain("sdch", request.Headers.NonValidated["Accept-Encoding"].ToString(), StringComparison.Ordinal);

        using var none = RedactionGen.Redactor();
        using var untouched = Request();
        ExchangeRedaction.Prepare(untouched, none, carriesSecret: false);
        Assert.Equal("gzip;q=0.5, sdch, zstd, *", untouched.Headers.NonValidated["Accept-Encoding"].ToString());
        using var response = Response(new ByteArrayContent([1]));
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
        var content = response.Content;
        ExchangeRedaction.Apply(response, none, carriedSecret: false);
        Assert.Same(content, response.Content);
    }

    [Fact]
    public void An_answer_without_a_body_keeps_its_headers()
    {
        using var redactor = RedactionGen.Redactor(_secret);
        using var response = Response(new ByteArrayContent([]));
        response.RequestMessage = new HttpRequestMessage(HttpMethod.Head, "https://x.test/");
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
        response.Content.Headers.ContentLength = 12345;
        ExchangeRedaction.Apply(response, redactor, carriedSecret: true);
        Assert.Equal("gzip", response.Content.Headers.NonValidated["Content-Encoding"].ToString());
        Assert.Equal(12345, response.Content.Headers.ContentLength);
    }

    private static HttpRequestMessage Request()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "https://x.test/");
        foreach (var (name, value) in new[]
        {
            ("Accept-Encoding", "gzip;q=0.5, sdch, zstd, *"), ("Range", "bytes=0-9"), ("If-Range", "\"x\""),
            ("grpc-accept-encoding", "gzip,deflate"),
        }) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private static HttpResponseMessage Response(HttpContent content) => new(HttpStatusCode.OK) { Content = content };

    private static byte[] Encode(byte[] text, string codings)
    {
        foreach (var coding in codings.Split(", "))
        {
            using var output = new MemoryStream();
            using (var encoder = Encoder(output, coding)) encoder.Write(text);
            text = output.ToArray();
        }
        return text;
    }

    private static Stream Encoder(Stream output, string coding) => coding.ToLowerInvariant() switch
    {
        "gzip" or "x-gzip" => new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true),
        "deflate" => new ZLibStream(output, CompressionLevel.Fastest, leaveOpen: true),
        "bare deflate" => new DeflateStream(output, CompressionLevel.Fastest, leaveOpen: true),
        "br" => new BrotliStream(output, CompressionLevel.Fastest, leaveOpen: true),
        "zstd" => new CompressionStream(output, leaveOpen: true),
        _ => new BufferedStream(output),
    };

    private static byte[] Bomb(long size)
    {
        using var output = new MemoryStream();
        using (var encoder = new BrotliStream(output, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (long written = 0; written < size; written += zeros.Length) encoder.Write(zeros);
        }
        return output.ToArray();
    }
}
