using System.Buffers.Binary;
using System.Text;
using Moat.Audit;
using Moat.Credentials;
using Moat.Policy;
using Moat.Spec;
using static Moat.Gateway.Tests.Databases.PostgresClient;

namespace Moat.Gateway.Tests.Databases;

/// <summary>Sessions with PostgreSQL through the gateway, and clients that attack.</summary>
public sealed class PostgresTests
{
    private static readonly DatabaseRequest s_plain = new() { SslMode = "disable" };

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_client_without_a_password_gets_a_session_of_the_grants_user(bool clientTls, bool bound)
    {
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => server.ServeAsync(stream));
        // The played server knows no binding, so it offers one only to see that it is chosen.
        server = new PlayedPostgres(scene) { Mechanisms = bound ? ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] : ["SCRAM-SHA-256"] };
        var client = await scene.ConnectAsync();
        if (clientTls) client = await AskTlsAsync(scene, client);
        await StartAsync(client, "user\0mallory\0database\0shop\0application_name\0x\0");
        Assert.Equal([("R", 0)], await GreetingAsync(client));
        await client.WriteAsync(PlayedPostgres.Message('Q', "select 1\0"u8), Cancel);
        var (_, body) = await PlayedPostgres.ReadAsync(client);
        Assert.Equal("select 1\0", Encoding.ASCII.GetString(body));
        await client.WriteAsync(PlayedPostgres.Message('X', []), Cancel);
        await scene.EndedAsync();

        Assert.True(server.ProofWasGood);
        Assert.Equal("user\0app\0database\0shop\0application_name\0x\0\0", server.Startup);
        Assert.Equal(bound ? "SCRAM-SHA-256-PLUS p=tls-server-end-point,," : "SCRAM-SHA-256 y,,", server.Chosen);
        var intent = Assert.Single(scene.Records(AuditTypes.SessionIntent)).Payload;
        Assert.Equal(("postgres:db.moat.test", "app", "shop", "session"), (Text(intent, "grant"), Text(intent, "user"), Text(intent, "database"), Text(intent, "operation")));
        Assert.Equal((19L, 20L), (scene.Outcome().GetProperty("bytes_in").GetInt64(), scene.Outcome().GetProperty("bytes_out").GetInt64()));
    }

    [Theory]
    [InlineData("user\0u\0database\0other\0", "for the database shop alone")]
    [InlineData("user\0u\0database\0shop\0replication\0true\0", "replication")]
    [InlineData("user\0u\0database\0shop\0replication\0database\0", "replication")]
    [InlineData("user\0u\0user\0v\0", "malformed")]
    [InlineData("database\0shop\0", "malformed")]
    public async Task A_startup_message_that_leaves_the_grant_is_refused_before_anything_is_dialled(string settings, string reason)
    {
        var dialled = 0;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => Task.FromResult(dialled++), s_plain with { Database = "shop" });
        var client = await scene.ConnectAsync();
        await StartAsync(client, settings);
        Assert.Contains(reason, await ErrorAsync(client), StringComparison.Ordinal);
        await scene.EndedAsync();
        Assert.Equal(0, dialled);
        Assert.Contains(reason, Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
        Assert.Empty(scene.Records(AuditTypes.SessionIntent));
    }

    [Theory]
    [InlineData("0000000800020000")]             // protocol 2
    [InlineData("00000004")]                     // shorter than itself
    [InlineData("7FFFFFFF00030000")]             // longer than any
    [InlineData("FFFFFFFF00030000")]
    [InlineData("0000000900030000" + "41")]      // settings without an end
    [InlineData("0000000904D2162F00")]           // a request for TLS with more in it
    public async Task A_malformed_opening_ends_the_session(string hex)
    {
        var dialled = 0;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => Task.FromResult(dialled++), s_plain);
        var client = await scene.ConnectAsync();
        await client.WriteAsync(Convert.FromHexString(hex), Cancel);
        ((System.Net.Sockets.NetworkStream)client).Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await scene.EndedAsync();
        Assert.Equal(0, dialled);
        Assert.Single(scene.Denials);
    }

    [Fact]
    public async Task Bytes_that_were_sent_before_the_TLS_handshake_are_not_taken_for_ones_after_it()
    {
        var dialled = 0;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => Task.FromResult(dialled++), s_plain);
        var client = await scene.ConnectAsync();
        await client.WriteAsync((byte[])[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F, .. Startup("user\0injected\0")], Cancel);
        await client.ReadExactlyAsync(new byte[1], Cancel);
        await Assert.ThrowsAnyAsync<Exception>(() => scene.SecureAsync(client));
        await scene.EndedAsync();
        Assert.Equal(0, dialled);
    }

    [Fact]
    public async Task A_request_to_cancel_reaches_the_server_for_a_key_of_this_run_alone()
    {
        var cancelled = new TaskCompletionSource<byte[]>();
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            var head = new byte[8];
            await stream.ReadExactlyAsync(head);
            if (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) == 80877102)
            {
                var key = new byte[8];
                await stream.ReadExactlyAsync(key);
                cancelled.TrySetResult(key);
                return;
            }
            await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadInt32BigEndian(head) - 8]);
            if (!await server.ScramAsync(stream)) return;
            await stream.WriteAsync((byte[])[.. PlayedPostgres.Authentication(0, []), .. PlayedPostgres.Message('K', [0, 0, 0, 7, 1, 2, 3, 4]), .. PlayedPostgres.Message('Z', "I"u8)]);
            await PlayedPostgres.ReadAsync(stream);
        }, s_plain);
        server = new PlayedPostgres(scene);
        var guess = await scene.ConnectAsync();
        await guess.WriteAsync((byte[])[0, 0, 0, 16, 0x04, 0xD2, 0x16, 0x2E, 0, 0, 0, 7, 1, 2, 3, 4], Cancel);
        Assert.Contains("no open session of this run", await ErrorAsync(guess), StringComparison.Ordinal);

        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0");
        await GreetingAsync(client);
        var cancel = await scene.ConnectAsync();
        await cancel.WriteAsync((byte[])[0, 0, 0, 16, 0x04, 0xD2, 0x16, 0x2E, 0, 0, 0, 7, 1, 2, 3, 4], Cancel);
        Assert.Equal([0, 0, 0, 7, 1, 2, 3, 4], await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        await client.WriteAsync(PlayedPostgres.Message('X', []), Cancel);
        await scene.EndedAsync();
        Assert.Empty(scene.Services.CancelKeys);
    }

    [Fact]
    public async Task A_password_that_the_server_says_is_masked_without_a_change_of_length_also_when_it_comes_in_pieces()
    {
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            await server.ScramAsync(await server.OpenAsync(stream));
            await stream.WriteAsync((byte[])[.. PlayedPostgres.Authentication(0, []), .. PlayedPostgres.Message('Z', "I"u8)]);
            var row = PlayedPostgres.Message('D', Encoding.ASCII.GetBytes($"<{server.Password}> p"));
            foreach (var b in row)
            {
                await stream.WriteAsync((byte[])[b]);
            }
            await PlayedPostgres.ReadAsync(stream);
        }, s_plain);
        server = new PlayedPostgres(scene);
        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0");
        await GreetingAsync(client);
        // The row ends with a letter that a password begins with; nothing may wait for what never comes.
        var (type, body) = await PlayedPostgres.ReadAsync(client).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.Equal('D', type);
        Assert.Equal($"<[moat:redacted]{new string('*', scene.Password.Length - 15)}> p", Encoding.ASCII.GetString(body));
        await client.WriteAsync(PlayedPostgres.Message('X', []), Cancel);
    }

    [Fact]
    public async Task A_policy_that_is_replaced_ends_the_sessions_that_it_denies_and_lets_none_begin()
    {
        const string All = "permit (principal, action, resource);";
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => server.ServeAsync(stream), s_plain, cedar: All);
        server = new PlayedPostgres(scene);
        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0");
        await GreetingAsync(client);
        Assert.Equal(0, scene.Replace(All + " forbid (principal, action == Action::\"CredentialUse\", resource == Credential::\"github\");"));
        Assert.Equal(1, scene.Replace(All + " forbid (principal, action == Action::\"CredentialUse\", resource) when { context.method == \"CONNECT\" };"));
        await scene.EndedAsync();
        Assert.Contains("the policy was replaced", Text(scene.Outcome(), "error"), StringComparison.Ordinal);
        var second = await scene.ConnectAsync();
        Assert.Equal(0, await second.ReadAsync(new byte[1], Cancel));
        await scene.EndedAsync();
    }

    [Fact]
    public async Task A_grant_that_is_revoked_ends_its_sessions_and_begins_no_more()
    {
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => server.ServeAsync(stream), s_plain);
        server = new PlayedPostgres(scene);
        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0");
        await GreetingAsync(client);
        scene.Revoke();
        await scene.EndedAsync();
        Assert.Contains("revoked", Text(scene.Outcome(), "error"), StringComparison.Ordinal);
        var second = await scene.ConnectAsync();
        Assert.Equal(0, await second.ReadAsync(new byte[1], Cancel));
        await scene.EndedAsync();
        Assert.Equal("grant", Assert.Single(scene.Denials).Kind);
    }

    [Fact]
    public async Task A_rule_of_the_persons_own_closes_the_database()
    {
        var dialled = 0;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => Task.FromResult(dialled++), s_plain, DatabaseScene.Host, null,
            new HostRuleSpec(DatabaseScene.Host, 5432, [new RequestRuleSpec(false, "*", "/**")], "test"));
        var client = await scene.ConnectAsync();
        Assert.Equal(0, await client.ReadAsync(new byte[1], Cancel));
        await scene.EndedAsync();
        Assert.Equal(("policy", 0), (Assert.Single(scene.Denials).Kind, dialled));
    }

    [Fact]
    public async Task HTTP_is_not_let_through_by_the_rule_of_a_database()
    {
        await using var scene = await DatabaseScene.StartAsync("postgres", _ => Task.CompletedTask, s_plain);
        Assert.True(CanonicalHost.TryParse(DatabaseScene.Host, out var host, out _));
        Assert.False(scene.Services.Policy.DecideRequest(host, 5432, "GET", "/").Allowed);
        Assert.True(scene.Services.Policy.MayResolve(host));
    }
}
