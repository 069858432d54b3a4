using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Tests;

/// <summary>T-50, T-53 and T-54 over HTTP/2: malformed streams are refused, floods end their own connection and no other.</summary>
public sealed class Http2Tests
{
    private static readonly (string, string)[] s_get = [(":method", "GET"), (":scheme", "https"), (":authority", Scene.Api), (":path", "/")];

    public static TheoryData<string, string, string> Fields => new()
    {
        { "H2.TE", "transfer-encoding", "chunked" },
        { "connection", "connection", "close" },
        { "keep-alive", "keep-alive", "timeout=5" },
        { "proxy-connection", "proxy-connection", "keep-alive" },
        { "upgrade", "upgrade", "h2c" },
        { "TE other than trailers", "te", "gzip" },
        { "line break in a value", "x-a", "b\r\nx-c: d" },
        { "bare LF in a value", "x-a", "b\nx-c: d" },
        { "NUL in a value", "x-a", "b\0c" },
        { "upper case in a name", "X-A", "b" },
        { "colon in a name", "x-a: b\r\nx-c", "d" },
        { "space in a name", "x a", "b" },
        { "line break in a name", "x-a\r\nx-c", "b" },
        { "pseudo-header behind fields", ":path", "/other" },
        { "unknown pseudo-header", ":other", "x" },
        { "length of a body that is not there", "content-length", "5" },
        { "two lengths", "content-length", "1, 2" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task T_50_a_field_that_HTTP_2_has_not_reaches_no_upstream(string name, string field, string value)
    {
        await using var scene = await StartAsync();
        using var client = await Http2Client.ConnectAsync(scene, Scene.Api);
        var outcome = await client.StatusOfAsync([.. s_get, (field, value)]);
        if (outcome == "200")
        {
            // Taken, then it must have ended here.
            var seen = Assert.Single(scene.Upstream.Seen);
            Assert.False(seen.Headers.ContainsKey(field), name);
            Assert.Equal("/", seen.Target);
            Assert.Contains(field, (string[])["keep-alive", "proxy-connection", "upgrade"]);
            return;
        }
        Assert.True(outcome is "400" or "RST" or "GOAWAY" or "closed", $"{name}: {outcome}");
        Assert.Empty(scene.Upstream.Seen);
    }

    public static TheoryData<string, string, string> PseudoHeaders => new()
    {
        { "line break in the path", ":path", "/ HTTP/1.1\r\nHost: evil.moat.test\r\n\r\nGET /" },
        { "absolute form", ":path", "https://evil.moat.test/" },
        { "empty path", ":path", "" },
        { "space in the path", ":path", "/a b" },
        { "line break in the method", ":method", "GET / HTTP/1.1\r\nx: y\r\n\r\nGET" },
        { "lower-case method", ":method", "delete" },
        { "userinfo in the authority", ":authority", "api.moat.test@evil.moat.test" },
        { "slash in the authority", ":authority", "api.moat.test/evil" },
        { "other scheme", ":scheme", "http" },
        { "other authority", ":authority", "plain.moat.test" },
        { "empty authority", ":authority", "" },
    };

    [Theory]
    [MemberData(nameof(PseudoHeaders))]
    public async Task T_50_a_crooked_pseudo_header_reaches_no_upstream(string name, string field, string value)
    {
        await using var scene = await StartAsync();
        using var client = await Http2Client.ConnectAsync(scene, Scene.Api);
        var outcome = await client.StatusOfAsync([.. s_get.Select(pair => pair.Item1 == field ? (field, value) : pair)]);
        Assert.True(outcome is "400" or "421" or "RST" or "GOAWAY" or "closed" || (field == ":authority" && value.Length == 0), $"{name}: {outcome}");
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target != "/" || seen.Host != Scene.Api);
    }

    [Fact]
    public async Task T_02_authority_beats_a_Host_that_differs_or_the_request_is_refused()
    {
        await using var scene = await StartAsync();
        using var client = await Http2Client.ConnectAsync(scene, Scene.Api);
        var outcome = await client.StatusOfAsync([.. s_get, ("host", Scene.Plain)]);
        Assert.All(scene.Upstream.Seen, seen => Assert.Equal(Scene.Api, seen.Host));
        Assert.Contains(outcome, (string[])["200", "400", "421", "RST"]);
    }

    [Fact]
    public async Task T_50_a_body_longer_than_its_length_is_cut_off()
    {
        await using var scene = await Scene.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("all received");
        });
        using var client = await Http2Client.ConnectAsync(scene, Scene.Api);
        var stream = client.NextStream();
        await client.FrameAsync(Http2Client.Headers, 0x4, stream, Http2Client.Encode([.. s_get.Select(pair => pair.Item1 == ":method" ? (":method", "POST") : pair), ("content-length", "1")]));
        await client.FrameAsync(Http2Client.Data, 0x1, stream, "GET /smuggled HTTP/1.1\r\n\r\n"u8.ToArray());
        Assert.NotEqual("200", await client.OutcomeOfAsync(stream));
        Assert.DoesNotContain(scene.Upstream.Seen, seen => seen.Target == "/smuggled");
    }

    public static TheoryData<string> Floods => ["rapid reset", "continuation", "header bomb", "headers over the limit"];

    [Theory]
    [MemberData(nameof(Floods))]
    public async Task T_53_a_flood_ends_its_connection_and_no_other(string kind)
    {
        await using var scene = await StartAsync();
        using var bystander = await Http2Client.ConnectAsync(scene, Scene.Api);
        Assert.Equal("200", await bystander.StatusOfAsync(s_get));
        using var client = await Http2Client.ConnectAsync(scene, Scene.Api);
        try
        {
            await FloodAsync(client, kind);
            Assert.Contains(await client.OutcomeOfAsync(int.MaxValue), (string[])["GOAWAY", "closed"]);
        }
        catch (IOException)
        {
            // Closed while we were still sending.
        }
        Assert.Equal("200", await bystander.StatusOfAsync(s_get));
    }

    [Theory]
    [InlineData(Http2Client.Settings)]
    [InlineData(Http2Client.Ping)]
    public async Task T_53_frames_that_want_answers_nobody_reads_hold_up_only_their_sender(byte type)
    {
        await using var scene = await StartAsync();
        using var bystander = await Http2Client.ConnectAsync(scene, Scene.Api);
        using var client = await Http2Client.ConnectAsync(scene, Scene.Api);
        var flood = Task.Run(async () =>
        {
            for (var i = 0; i < 200_000; i++)
                await client.FrameAsync(type, 0, 0, type == Http2Client.Ping ? new byte[8] : [0, 4, 0, 0, 255, 255]);
        });
        for (var i = 0; i < 20; i++)
            Assert.Equal("200", await bystander.StatusOfAsync(s_get));
        client.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => flood);
    }

    private static async Task FloodAsync(Http2Client client, string kind)
    {
        var head = Http2Client.Encode(s_get);
        switch (kind)
        {
            case "rapid reset":
                for (var i = 0; i < 20_000; i++)
                {
                    var stream = client.NextStream();
                    await client.FrameAsync(Http2Client.Headers, 0x5, stream, head);
                    await client.FrameAsync(Http2Client.RstStream, 0, stream, [0, 0, 0, 8]);
                }
                break;
            case "continuation":
                var open = client.NextStream();
                await client.FrameAsync(Http2Client.Headers, 0x1, open, head);
                for (var i = 0; i < 1000; i++)
                    await client.FrameAsync(Http2Client.Continuation, 0, open, Http2Client.Encode(("x-filler", new string('a', 1000))));
                break;
            case "header bomb":
                // One big entry into the dynamic table, then a reference of one byte each (HPACK bomb).
                var bomb = new MemoryStream();
                bomb.Write(head);
                bomb.Write([0x40, 1, (byte)'x', 127, 0x81, 0x1E]);
                bomb.Write(new byte[4000].Select(_ => (byte)'a').ToArray());
                for (var i = 0; i < 10_000; i++)
                    bomb.WriteByte(0xBE);
                await client.FrameAsync(Http2Client.Headers, 0x5, client.NextStream(), bomb.ToArray());
                break;
            default:
                await client.FrameAsync(Http2Client.Headers, 0x4, client.NextStream(), Http2Client.Encode([.. s_get, .. Enumerable.Range(0, 1000).Select(i => ("x-" + i, "b"))]));
                break;
        }
    }

    private static Task<Scene> StartAsync() => Scene.StartAsync(context => context.Response.WriteAsync("reached"));
}
