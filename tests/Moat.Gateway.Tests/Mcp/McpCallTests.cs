using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Moat.Audit;

namespace Moat.Gateway.Tests.Mcp;

/// <summary>T-55 and T-57 for MCP: what a server would run is what the policy decided on, or nothing goes out.</summary>
public sealed class McpCallTests
{
    private const string Policy = $$"""
        permit (principal, action == Action::"McpCall", resource == MCP::Tool::"search") when { resource in MCP::Server::"{{Scene.Plain}}" };
        permit (principal, action == Action::"McpCall", resource == MCP::Tool::"read")
        when { resource in MCP::Server::"{{Scene.Plain}}" && context.arguments.hasTag("path") && context.arguments.getTag("path") like "/work/*" };
        """;

    private static Task<Scene> StartAsync(McpUpstream upstream, string? policy = Policy) => Scene.StartAsync(upstream.HandleAsync, new SceneOptions { Policy = policy });

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task What_is_permitted_runs_and_what_is_not_is_a_json_rpc_error_with_the_same_id(string version)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client(version: Version.Parse(version));
        using (var allowed = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("search"))))
            Assert.Contains("\"ran\"", await allowed.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var denied = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("delete", id: "\"a-1\"")));
        Assert.Equal(HttpStatusCode.OK, denied.StatusCode);
        Assert.Equal("application/json", denied.Content.Headers.ContentType!.MediaType);
        Assert.Equal("policy", Assert.Single(denied.Headers.GetValues("X-Moat-Blocked")));
        using var error = JsonDocument.Parse(await denied.Content.ReadAsStringAsync());
        Assert.Equal("2.0", error.RootElement.GetProperty("jsonrpc").GetString());
        Assert.Equal("a-1", error.RootElement.GetProperty("id").GetString());
        Assert.InRange(error.RootElement.GetProperty("error").GetProperty("code").GetInt32(), -32099, -32000);
        Assert.Equal(["search"], upstream.Called);
        var denial = Assert.Single(scene.Denials);
        Assert.Contains("McpCall", denial.Reason, StringComparison.Ordinal);

        var records = (await scene.RecordsAsync()).Where(static r => r.Type == AuditTypes.McpCall).ToArray();
        Assert.Equal(["allowed", "denied"], records.Select(static r => r.Payload.GetProperty("decision").GetString()));
        Assert.Equal(["search", "delete"], records.Select(static r => r.Payload.GetProperty("tool").GetString()));
        Assert.All(records, static r => Assert.Equal(Scene.Plain, r.Payload.GetProperty("server").GetString()));
        Assert.Equal("\"a-1\"", records[1].Payload.GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("""{"path":"/work/a"}""", true)]
    [InlineData("""{"path":"\/work\/a"}""", true)]
    [InlineData("""{"path":"/etc/passwd"}""", false)]
    [InlineData("""{"path":["/work/a"]}""", false)]
    [InlineData("{}", false)]
    [InlineData("""{"path":"/work/a","Path":"/etc/passwd"}""", false)]
    [InlineData("""{"path":"/work/a","PATH":"/etc/passwd"}""", false)]
    public async Task Arguments_decide(string arguments, bool runs)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        using var answer = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("read", arguments)));
        Assert.Equal(runs ? ["read"] : [], upstream.Called);
    }

    public static TheoryData<string, string?> Unclear => new()
    {
        { """{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call","params":{"name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/list","Method":"tools/call","params":{"name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search","Name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search","name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search"},"paramſ":{"name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"Tools/Call","params":{"name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":" tools/call","params":{"name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":["tools/call"],"params":{"name":"delete"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":["delete"]}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":["search"]}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{"name":"search"}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search","arguments":{"x":NaN}}}""", "application/json" },
        { """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search","arguments":{"x":"\ud800"}}}""", "application/json" },
        { McpUpstream.Call("search") + McpUpstream.Call("delete"), "application/json" },
        { McpUpstream.Call("search") + "\n" + McpUpstream.Call("delete"), "application/json" },
        { McpUpstream.Call("search") + "\0", "application/json" },
        { "\uFEFF" + McpUpstream.Call("search"), "application/json" },
        { "[" + McpUpstream.Call("search") + ",[" + McpUpstream.Call("delete") + "]]", "application/json" },
        { McpUpstream.Call("search", new string('[', 200) + new string(']', 200)), "application/json" },
        { McpUpstream.Call("search").Replace("search", "\\u0000search", StringComparison.Ordinal), "application/json" },
        { "// delete\n" + McpUpstream.Call("search"), "application/json" },
        { McpUpstream.Call("search"), "application/json; charset=utf-7" },
    };

    [Theory]
    [MemberData(nameof(Unclear))]
    public async Task T_55_what_servers_could_read_in_two_ways_is_refused(string body, string? type)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        using var answer = await client.SendAsync(McpUpstream.Post(body, type));
        Assert.True(answer.Headers.Contains("X-Moat-Blocked"));
        Assert.Contains("\"error\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(upstream.Bodies);
    }

    [Theory]
    [InlineData("application/json-rpc")]
    [InlineData("application/vnd.api+json")]
    [InlineData("text/json")]
    [InlineData("text/plain")]
    [InlineData("application/octet-stream")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("")]
    [InlineData(null)]
    public async Task T_55_the_type_of_the_body_hides_no_call(string? type)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        using var denied = await client.SendAsync(McpUpstream.Post("\n " + McpUpstream.Call("delete"), type));
        Assert.True(denied.Headers.Contains("X-Moat-Blocked"));
        using var escaped = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("\\u0064elete").Replace("tools/call", "\\u0074ools\\/call", StringComparison.Ordinal).Replace("\"method\"", "\"m\\u0065thod\"", StringComparison.Ordinal), type));
        Assert.True(escaped.Headers.Contains("X-Moat-Blocked"));
        using var bare = await client.SendAsync(McpUpstream.Post("""{"id":1,"method":"tools/call","params":{"name":"delete"}}""", type));
        Assert.True(bare.Headers.Contains("X-Moat-Blocked"));
        Assert.Empty(upstream.Called);
        using var allowed = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("search"), type));
        Assert.False(allowed.Headers.Contains("X-Moat-Blocked"));
        Assert.Equal(["search"], upstream.Called);
    }

    [Theory]
    [InlineData("Search")]
    [InlineData("SEARCH")]
    [InlineData("sеarch")] // a Cyrillic letter
    [InlineData("se\u200Barch")]
    [InlineData("\u202Ehcraes")]
    [InlineData("search\u0301")]
    [InlineData("search ")]
    [InlineData("ｓearch")]
    [InlineData("")]
    public async Task T_55_a_name_that_looks_like_a_permitted_one_is_not_it(string tool)
    {
        var upstream = new McpUpstream();
        // Whatever is not named is permitted: only the look of the name speaks against it.
        await using var scene = await StartAsync(upstream, $$"""
            permit (principal, action == Action::"McpCall", resource in MCP::Server::"{{Scene.Plain}}");
            forbid (principal, action == Action::"McpCall", resource == MCP::Tool::"search") when { resource in MCP::Server::"{{Scene.Plain}}" };
            """);
        using var client = scene.Client();
        using var answer = await client.SendAsync(McpUpstream.Post(McpUpstream.Call(tool)));
        Assert.True(answer.Headers.Contains("X-Moat-Blocked"));
        Assert.Empty(upstream.Called);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("gzip, br")]
    public async Task A_compressed_body_is_judged_and_arrives_decoded(string coding)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        foreach (var tool in new[] { "search", "delete" })
        {
            using var request = McpUpstream.Post(Encode(McpUpstream.Call(tool), coding));
            request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", coding);
            using var answer = await client.SendAsync(request);
            Assert.Equal(tool == "delete", answer.Headers.Contains("X-Moat-Blocked"));
        }
        Assert.Equal([McpUpstream.Call("search")], upstream.Bodies);
    }

    [Theory]
    [InlineData("compress")]
    [InlineData("gzip")]
    public async Task A_body_that_cannot_be_decoded_is_refused(string coding)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        using var request = McpUpstream.Post(McpUpstream.Call("search"));
        request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        using var answer = await client.SendAsync(request);
        Assert.True(answer.Headers.Contains("X-Moat-Blocked"));
        Assert.Empty(upstream.Bodies);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Seven_mebibytes_are_judged_and_nine_are_refused(string version)
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client(version: Version.Parse(version));
        var large = $$"""{"text":"{{new string('x', 7 * 1024 * 1024)}}"}""";
        using (var allowed = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("search", large))))
            Assert.False(allowed.Headers.Contains("X-Moat-Blocked"));
        using (var denied = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("delete", large))))
            Assert.True(denied.Headers.Contains("X-Moat-Blocked"));
        // The name behind nine mebibytes, and a bomb.
        var nine = $$$"""{"jsonrpc":"2.0","id":1,"x":"{{{new string('x', 9 * 1024 * 1024)}}}","method":"tools/call","params":{"name":"delete"}}""";
        using (var longer = await client.SendAsync(McpUpstream.Post(nine)))
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, longer.StatusCode);
        using var bomb = McpUpstream.Post(Encode(nine, "gzip"));
        bomb.Content!.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
        using var refused = await client.SendAsync(bomb);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Equal(["search"], upstream.Called);
        Assert.Single(upstream.Bodies);
    }

    [Fact]
    public async Task A_batch_with_one_denied_member_is_denied_as_a_whole()
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        using var answer = await client.SendAsync(McpUpstream.Post($"[{McpUpstream.Call("search", id: "1")},{McpUpstream.Call("delete", id: "2")},{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}}]"));
        using var errors = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal([1, 2], errors.RootElement.EnumerateArray().Select(static e => e.GetProperty("id").GetInt32()));
        Assert.Empty(upstream.Bodies);
        using var good = await client.SendAsync(McpUpstream.Post($"[{McpUpstream.Call("search", id: "1")},{McpUpstream.Call("search", id: "2")}]"));
        Assert.Equal(["search", "search"], upstream.Called);
    }

    [Fact]
    public async Task A_denied_notification_gets_403_and_no_json_rpc()
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        using var answer = await client.SendAsync(McpUpstream.Post("""{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete"}}"""));
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Empty(upstream.Bodies);
    }

    [Fact]
    public async Task A_client_of_the_older_transport_hears_of_a_denial_by_the_status()
    {
        var upstream = new McpUpstream { Endpoint = "/messages?sessionId=1" };
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        Assert.Contains("/messages", await client.GetStringAsync($"https://{Scene.Plain}/sse"), StringComparison.Ordinal);
        using var answer = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("delete"), path: "/messages?sessionId=1"));
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("\"id\":7", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(upstream.Bodies);
    }

    [Fact]
    public async Task Shadow_mode_notes_what_it_would_deny_and_lets_it_run()
    {
        var upstream = new McpUpstream();
        await using var scene = await Scene.StartAsync(upstream.HandleAsync, new SceneOptions { Policy = Policy, Shadow = true });
        using var client = scene.Client();
        using var answer = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("delete")));
        Assert.Equal(["delete"], upstream.Called);
        var record = Assert.Single(await scene.RecordsAsync(), static r => r.Type == AuditTypes.McpCall);
        Assert.Equal("policy", record.Payload.GetProperty("would_deny").GetString());
    }

    [Fact]
    public async Task Without_a_policy_calls_are_recorded_without_their_values()
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream, policy: null);
        using var client = scene.Client();
        var value = TestGrants.NewToken();
        using var answer = await client.SendAsync(McpUpstream.Post(McpUpstream.Call("search", $$"""{"query":"{{value}}"}""")));
        Assert.Equal(["search"], upstream.Called);
        var record = Assert.Single(await scene.RecordsAsync(), static r => r.Type == AuditTypes.McpCall);
        Assert.Equal(value.Length + 2, record.Payload.GetProperty("arguments").GetProperty("query").GetInt32());
        Assert.DoesNotContain(value, await scene.LogTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_message_passes_as_it_is()
    {
        var upstream = new McpUpstream();
        await using var scene = await StartAsync(upstream);
        using var client = scene.Client();
        foreach (var (body, type) in new[] { ("grant_type=x&a=b", "application/x-www-form-urlencoded"), ("""{"client_name":"x"}""", "application/json"), ("""{"jsonrpc":"2.0","id":1,"result":{}}""", "application/json") })
        {
            using var answer = await client.SendAsync(McpUpstream.Post(body, type));
            Assert.False(answer.Headers.Contains("X-Moat-Blocked"));
        }
        // Neither is it held up by its length.
        using var upload = await client.SendAsync(McpUpstream.Post(new byte[9 * 1024 * 1024].Select(static _ => (byte)'a').ToArray(), "application/octet-stream"));
        Assert.False(upload.Headers.Contains("X-Moat-Blocked"));
        Assert.Equal(["grant_type=x&a=b", """{"client_name":"x"}""", """{"jsonrpc":"2.0","id":1,"result":{}}""", new string('a', 9 * 1024 * 1024)], upstream.Bodies);
    }

    private static byte[] Encode(string text, string codings)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        foreach (var coding in codings.Split(", "))
        {
            var buffer = new MemoryStream();
            using (Stream encoder = coding switch { "br" => new BrotliStream(buffer, CompressionMode.Compress), "deflate" => new ZLibStream(buffer, CompressionMode.Compress), _ => new GZipStream(buffer, CompressionMode.Compress) })
                encoder.Write(bytes);
            bytes = buffer.ToArray();
        }
        return bytes;
    }
}
