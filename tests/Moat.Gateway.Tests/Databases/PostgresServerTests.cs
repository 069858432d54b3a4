using System.Security.Authentication;
using System.Text;
using Moat.Credentials;
using static Moat.Gateway.Tests.Databases.PostgresClient;

namespace Moat.Gateway.Tests.Databases;

/// <summary>The login at PostgreSQL servers that lie, or want less than a proof.</summary>
public sealed class PostgresServerTests
{
    private static readonly DatabaseRequest s_plain = new() { SslMode = "disable" };

    [Fact]
    public async Task A_server_that_does_not_know_the_password_is_refused_after_SCRAM()
    {
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => server.ServeAsync(stream), s_plain);
        server = new PlayedPostgres(scene) { Password = "another password" };
        await AssertRefusedAsync(scene, "did not prove that it knows the password");
    }

    [Theory]
    [InlineData("v=", "did not prove")]
    [InlineData("e=other", "did not prove")]
    [InlineData("skip", "did not prove")]
    public async Task A_server_that_ends_SCRAM_without_its_signature_is_refused(string final, string reason)
    {
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => server.ServeAsync(stream), s_plain);
        server = new PlayedPostgres(scene)
        {
            Twist = message => message[8] != 12 ? message : final == "skip" ? PlayedPostgres.Authentication(0, []) : PlayedPostgres.Authentication(12, Encoding.ASCII.GetBytes(final)),
        };
        await AssertRefusedAsync(scene, reason);
    }

    [Theory]
    [InlineData("i=1")]
    [InlineData("i=4095")]
    [InlineData("i=2147483647")]
    [InlineData("i=-4096")]
    [InlineData("i=+4096")]
    public async Task A_server_that_wants_a_proof_easy_to_guess_or_endless_work_gets_none(string iterations)
    {
        var proofs = 0;
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            await server.ServeAsync(stream);
            proofs++;
        }, s_plain);
        server = new PlayedPostgres(scene) { Twist = message => message[8] != 11 ? message : Replace(message, "i=4096", iterations) };
        await AssertRefusedAsync(scene, "iterations");
        Assert.Equal(0, proofs);
    }

    [Fact]
    public async Task A_server_nonce_that_does_not_begin_with_ours_is_refused()
    {
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", stream => server.ServeAsync(stream), s_plain);
        server = new PlayedPostgres(scene) { Twist = message => message[8] != 11 ? message : Replace(message, "r=", "r=x") };
        await AssertRefusedAsync(scene, "nonce");
    }

    [Fact]
    public async Task A_server_without_TLS_is_refused_and_gets_neither_user_nor_password()
    {
        var seen = Array.Empty<byte>();
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            await server.OpenAsync(stream);
            using var rest = new MemoryStream();
            await stream.CopyToAsync(rest);
            seen = rest.ToArray();
        });
        server = new PlayedPostgres(scene) { HasTls = false };
        await AssertRefusedAsync(scene, "offers no TLS");
        Assert.Empty(seen);
    }

    [Theory]
    [InlineData("other.moat.test", "for another name")]
    [InlineData(null, "no authority that this machine trusts")]
    public async Task A_server_with_another_certificate_is_refused(string? name, string reason)
    {
        using var stranger = new TestAuthority();
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            try
            {
                await server.OpenAsync(stream);
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                // The gateway broke off, as it should.
            }
        });
        server = new PlayedPostgres(scene);
        scene.ServerCertificate = name is null ? stranger.Issue([DatabaseScene.Host]) : scene.IssueFor(name);
        await AssertRefusedAsync(scene, reason);
        Assert.Equal("", server.Startup);
    }

    [Theory]
    [InlineData("disable", 3, "password itself")]
    [InlineData("disable", 7, "of a kind that the gateway does not give")]
    [InlineData("disable", 0, "asked for no password")]
    [InlineData("verify-full", 9, "of a kind that the gateway does not give")]
    public async Task A_server_that_asks_for_less_than_a_proof_is_refused(string mode, int method, string reason)
    {
        var seen = new MemoryStream();
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            var open = await server.OpenAsync(stream);
            await open.WriteAsync(PlayedPostgres.Authentication(method, []));
            await open.CopyToAsync(seen);
        }, new DatabaseRequest { SslMode = mode });
        server = new PlayedPostgres(scene);
        await AssertRefusedAsync(scene, reason);
        scene.AssertNoPasswordIn(seen.ToArray());
    }

    [Fact]
    public async Task The_password_itself_goes_over_verified_TLS()
    {
        byte[] given = [];
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            var open = await server.OpenAsync(stream);
            await open.WriteAsync(PlayedPostgres.Authentication(3, []));
            given = (await PlayedPostgres.ReadAsync(open)).Body;
            await open.WriteAsync((byte[])[.. PlayedPostgres.Authentication(0, []), .. PlayedPostgres.Message('Z', "I"u8)]);
        });
        server = new PlayedPostgres(scene);
        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0");
        Assert.Equal([("R", 0)], await GreetingAsync(client));
        Assert.Equal(scene.Password + "\0", Encoding.ASCII.GetString(given));
    }

    [Fact]
    public async Task MD5_is_answered_with_the_proof_that_the_documentation_describes()
    {
        byte[] given = [];
        PlayedPostgres server = null!;
        await using var scene = await DatabaseScene.StartAsync("postgres", async stream =>
        {
            var open = await server.OpenAsync(stream);
            await open.WriteAsync(PlayedPostgres.Authentication(5, [1, 2, 3, 4]));
            given = (await PlayedPostgres.ReadAsync(open)).Body;
            await open.WriteAsync((byte[])[.. PlayedPostgres.Authentication(0, []), .. PlayedPostgres.Message('Z', "I"u8)]);
        }, s_plain);
        server = new PlayedPostgres(scene);
        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0");
        Assert.Equal([("R", 0)], await GreetingAsync(client));
#pragma warning disable CA5351 // The protocol's own choice.
        var inner = Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(Encoding.ASCII.GetBytes(scene.Password + DatabaseScene.User)));
        var outer = Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData((byte[])[.. Encoding.ASCII.GetBytes(inner), 1, 2, 3, 4]));
#pragma warning restore CA5351
        Assert.Equal($"md5{outer}\0", Encoding.ASCII.GetString(given));
    }
}
