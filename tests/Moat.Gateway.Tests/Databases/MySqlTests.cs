using System.Buffers;
using System.Buffers.Binary;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway.Databases;
using Moat.Policy;

namespace Moat.Gateway.Tests.Databases;

/// <summary>MySQL through the gateway, with a server that speaks the documented protocol and lies where the test wants it.</summary>
public sealed class MySqlTests
{
    private const string Native = "mysql_native_password", Sha2 = "caching_sha2_password";
    private const uint Tls = 0x800, Usual = 0x0088A209;

    private static readonly byte[] s_salt = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];
    private static readonly byte[] s_otherSalt = [.. Enumerable.Range(50, 20).Select(i => (byte)i)];
    private static readonly byte[] s_ok = [0, 0, 0, 2, 0, 0, 0];
    private static readonly DatabaseRequest s_plain = new() { SslMode = "disable" };

    [Theory]
    [InlineData(Native, "fast")]
    [InlineData(Sha2, "fast")]
    [InlineData(Sha2, "full")]
    [InlineData("auth_gssapi_client", "switch")]
    [InlineData("auth_gssapi_client", "clear")]
    public async Task Over_verified_TLS_the_grants_user_gets_in(string plugin, string way)
    {
        Login? login = null;
        var holder = new TaskCompletionSource<DatabaseScene>();
        await using var scene = await DatabaseScene.StartAsync("mysql", stream => ServeAsync(stream, holder.Task.Result.AnswerTlsAsync, plugin, way, taken: l => login = l), new DatabaseRequest { Database = "shop" });
        holder.SetResult(scene);
        var client = await scene.ConnectAsync();
        Assert.Equal(s_ok, await LogInAsync(client, Native, [1, 2, 3]));
        await WriteAsync(client, 0, "\x03select 1"u8.ToArray());
        Assert.Equal("\x03select 1", Encoding.ASCII.GetString((await ReadAsync(client)).Payload));
        client.Close();
        await scene.EndedAsync();

        Assert.Equal(("app", "shop", true), (login!.User, login.Database, login.OverTls));
        var expected = way switch { "full" or "clear" => Encoding.ASCII.GetBytes(scene.Password + "\0"), "switch" => NativeProof(scene.Password, s_otherSalt), _ => plugin == Sha2 ? Sha2Proof(scene.Password, s_salt) : NativeProof(scene.Password, s_salt) };
        Assert.Equal(expected, login.Proof);
        Assert.Equal("mysql:db.moat.test", Assert.Single(scene.Records(AuditTypes.SessionIntent)).Payload.GetProperty("grant").GetString());
    }

    [Fact]
    public async Task A_client_of_caching_sha2_password_is_told_what_it_waits_for()
    {
        await using var scene = await DatabaseScene.StartAsync("mysql", stream => ServeAsync(stream, null, Native, "fast"), s_plain);
        var client = await scene.ConnectAsync();
        Assert.Equal([1, 3], await LogInAsync(client, Sha2, new byte[32].Select(_ => (byte)9).ToArray()));
        Assert.Equal(s_ok, (await ReadAsync(client)).Payload);
        client.Close();
    }

    [Fact]
    public async Task On_this_machine_alone_the_password_goes_to_the_servers_RSA_key()
    {
        Login? login = null;
        using var rsa = RSA.Create(2048);
        await using var scene = await DatabaseScene.StartAsync("mysql", stream => ServeAsync(stream, null, Sha2, "rsa", rsa, taken: l => login = l), host: NetworkPolicy.HostGatewayName);
        var client = await scene.ConnectAsync();
        Assert.Equal(s_ok, await LogInAsync(client, Native, []));
        var text = rsa.Decrypt(login!.Proof, RSAEncryptionPadding.OaepSHA1);
        for (var i = 0; i < text.Length; i++) text[i] ^= s_salt[i % 20];
        Assert.Equal(scene.Password + "\0", Encoding.ASCII.GetString(text));
        client.Close();
    }

    [Theory]
    [InlineData(Sha2, "full", "the password itself")]
    [InlineData(Sha2, "rsa", "the password itself")]
    [InlineData(Sha2, "unasked-key", "malformed")]
    [InlineData(Native, "clear", "the password itself")]
    [InlineData(Native, "dialog", "of a kind that the gateway does not give")]
    [InlineData(Native, "old", "older than the logins")]
    public async Task A_server_without_TLS_that_asks_for_the_password_itself_gets_nothing(string plugin, string way, string reason)
    {
        using var rsa = RSA.Create(2048);
        var seen = new MemoryStream();
        await using var scene = await DatabaseScene.StartAsync("mysql", stream => ServeAsync(stream, null, plugin, way, rsa, seen), s_plain);
        var client = await scene.ConnectAsync();
        Assert.Contains(reason, Encoding.UTF8.GetString(await LogInAsync(client, Native, [])), StringComparison.Ordinal);
        await scene.EndedAsync();
        Assert.Contains(reason, scene.Outcome().GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, seen.Length);
    }

    [Fact]
    public async Task A_short_RSA_key_does_not_get_the_password()
    {
        using var rsa = RSA.Create(1024);
        await using var scene = await DatabaseScene.StartAsync("mysql", stream => ServeAsync(stream, null, Sha2, "rsa", rsa), host: NetworkPolicy.HostGatewayName);
        Assert.Contains("too short", Encoding.UTF8.GetString(await LogInAsync(await scene.ConnectAsync(), Native, [])), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_takes_TLS_out_of_its_greeting_is_refused_before_the_user_is_named()
    {
        var seen = new MemoryStream();
        await using var scene = await DatabaseScene.StartAsync("mysql", async stream =>
        {
            await WriteAsync(stream, 0, Greeting(Usual, Native));
            await stream.CopyToAsync(seen);
        });
        var client = await scene.ConnectAsync();
        Assert.Contains("offers no TLS", Encoding.UTF8.GetString((await ReadAsync(client)).Payload), StringComparison.Ordinal);
        await scene.EndedAsync();
        Assert.Equal(0, seen.Length);
    }

    [Fact]
    public async Task A_server_with_a_strangers_certificate_is_refused()
    {
        using var stranger = new TestAuthority();
        var holder = new TaskCompletionSource<DatabaseScene>();
        await using var scene = await DatabaseScene.StartAsync("mysql", async stream =>
        {
            try
            {
                await ServeAsync(stream, holder.Task.Result.AnswerTlsAsync, Native, "fast");
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The gateway broke off, as it should.
            }
        });
        scene.ServerCertificate = stranger.Issue([DatabaseScene.Host]);
        holder.SetResult(scene);
        Assert.Contains("no authority", Encoding.UTF8.GetString(await LogInAsync(await scene.ConnectAsync(), Native, [])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0A")]
    [InlineData("09352E3500" + "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0A352E3500" + "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000")]
    public async Task A_malformed_greeting_ends_the_session(string hex)
    {
        await using var scene = await DatabaseScene.StartAsync("mysql", async stream =>
        {
            await WriteAsync(stream, 0, Convert.FromHexString(hex));
            await stream.CopyToAsync(Stream.Null);
        }, s_plain);
        Assert.Equal(0xFF, (await ReadAsync(await scene.ConnectAsync())).Payload[0]);
        await scene.EndedAsync();
        Assert.NotEqual("", scene.Outcome().GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("09A28100" + "00000001" + "21")]
    [InlineData("09A08100" + "00000001" + "21" + "0000000000000000000000000000000000000000000000" + "6100" + "00")] // before 4.1
    [InlineData("09A28100" + "00000001" + "21" + "0000000000000000000000000000000000000000000000" + "6161")]
    [InlineData("09A28100" + "00000001" + "21" + "0000000000000000000000000000000000000000000000" + "6100" + "FA00")]
    public async Task A_malformed_hello_of_the_client_ends_the_session(string hex)
    {
        var seen = new MemoryStream();
        await using var scene = await DatabaseScene.StartAsync("mysql", async stream =>
        {
            await WriteAsync(stream, 0, Greeting(Usual, Native));
            await stream.CopyToAsync(seen);
        }, s_plain);
        var client = await scene.ConnectAsync();
        await ReadAsync(client);
        await WriteAsync(client, 1, Convert.FromHexString(hex));
        Assert.Equal(0xFF, (await ReadAsync(client)).Payload[0]);
        await scene.EndedAsync();
        Assert.Equal(0, seen.Length);
    }

    [Fact]
    public async Task The_client_is_offered_no_compression_no_MariaDB_extension_and_another_salt()
    {
        await using var scene = await DatabaseScene.StartAsync("mysql", stream => WriteAsync(stream, 0, Greeting(uint.MaxValue & ~1u, Native)), s_plain);
        var greeting = (await ReadAsync(await scene.ConnectAsync())).Payload;
        var rest = greeting.AsSpan(greeting.AsSpan().IndexOf((byte)0) + 5);
        var capabilities = BinaryPrimitives.ReadUInt16LittleEndian(rest[9..]) | ((uint)BinaryPrimitives.ReadUInt16LittleEndian(rest[14..]) << 16);
        Assert.Equal(0u, capabilities & (0x20 | 0x0400_0000 | 0x1000_0000));
        Assert.Equal(1u | Tls, capabilities & (1 | Tls));
        Assert.False(rest[..8].SequenceEqual(s_salt.AsSpan(0, 8)));
        Assert.Equal(new byte[10], rest.Slice(17, 10).ToArray());
    }

    [Fact]
    public void COM_CHANGE_USER_ends_the_session_however_it_is_cut_and_whatever_comes_before()
    {
        byte[] query = [9, 0, 0, 0, 3, .. "select 1"u8];
        byte[] change = [3, 0, 0, 0, 0x11, (byte)'x', 0];
        Assert.Throws<SessionException>(() => Take(new MySqlCommands(), change));
        Assert.Throws<SessionException>(() => Take(new MySqlCommands(), [.. query, .. change]));
        var filter = new MySqlCommands();
        Assert.Throws<SessionException>(() => Array.ForEach((byte[])[.. query, .. change], b => Take(filter, [b])));
        // An empty packet before it hides nothing.
        Assert.Throws<SessionException>(() => Take(new MySqlCommands(), [0, 0, 0, 0, .. change]));
    }

    [Fact]
    public void The_byte_of_COM_CHANGE_USER_passes_where_it_begins_no_command()
    {
        byte[] inside = [2, 0, 0, 0, 3, 0x11];
        byte[] file = [2, 0, 0, 2, 0x11, 0x11];
        // A packet of the greatest length goes on in the next, whatever that begins with.
        byte[] full = [0xFF, 0xFF, 0xFF, 0, 3, .. new byte[0xFF_FFFE]];
        byte[] continued = [1, 0, 0, 0, 0x11];
        byte[] all = [.. inside, .. file, .. full, .. continued, .. inside];
        Assert.Equal(all.Length, Take(new MySqlCommands(), all));
    }

    private sealed record Login(string User, string Database, bool OverTls, byte[] Proof);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static int Take(MySqlCommands filter, byte[] bytes)
    {
        var upstream = new ArrayBufferWriter<byte>();
        filter.Take(bytes, upstream, new ArrayBufferWriter<byte>());
        return upstream.WrittenCount;
    }

    /// <summary>A server's side: greeting, TLS where it is asked for, the login in the given way, then an echo.</summary>
    private static async Task ServeAsync(Stream stream, Func<Stream, Task<Stream>>? secure, string plugin, string way, RSA? rsa = null, MemoryStream? seen = null, Action<Login>? taken = null)
    {
        await WriteAsync(stream, 0, Greeting(Usual | (secure is null ? 0 : Tls), plugin));
        var (number, hello) = await ReadAsync(stream);
        if (hello.Length == 32)
        {
            stream = await secure!(stream);
            (number, hello) = await ReadAsync(stream);
        }
        var userEnd = 32 + hello.AsSpan(32).IndexOf((byte)0);
        var user = Encoding.ASCII.GetString(hello, 32, userEnd - 32);
        var proof = hello.AsSpan(userEnd + 2, hello[userEnd + 1]).ToArray();
        var rest = hello.AsSpan(userEnd + 2 + proof.Length);
        var hasDatabase = (hello[0] & 8) != 0;
        var database = hasDatabase ? Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]) : "";
        byte[]? question = way switch
        {
            "full" or "rsa" => [1, 4],
            "unasked-key" => [1, .. Encoding.ASCII.GetBytes(rsa!.ExportSubjectPublicKeyInfoPem())],
            "switch" => [0xFE, .. Encoding.ASCII.GetBytes(Native), 0, .. s_otherSalt, 0],
            "clear" => [0xFE, .. "mysql_clear_password\0"u8],
            "dialog" => [0xFE, .. "dialog\0Password: "u8],
            "old" => [0xFE],
            _ => null,
        };
        if (question is not null)
        {
            await WriteAsync(stream, ++number, question);
            if (seen is not null)
            {
                await stream.CopyToAsync(seen);
                return;
            }
            (number, proof) = await ReadAsync(stream);
            if (way == "rsa")
            {
                Assert.Equal([2], proof);
                await WriteAsync(stream, ++number, [1, .. Encoding.ASCII.GetBytes(rsa!.ExportSubjectPublicKeyInfoPem())]);
                (number, proof) = await ReadAsync(stream);
            }
        }
        else if (plugin == Sha2)
        {
            await WriteAsync(stream, ++number, [1, 3]);
        }
        taken?.Invoke(new Login(user, database, stream is SslStream, proof));
        await WriteAsync(stream, ++number, s_ok);
        var head = new byte[4];
        while (await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, Cancel) == 4)
        {
            var command = new byte[head[0]];
            await stream.ReadExactlyAsync(command, Cancel);
            await WriteAsync(stream, 1, command);
        }
    }

    private static byte[] Greeting(uint capabilities, string plugin) =>
    [
        10, .. "8.4.0\0"u8, 7, 0, 0, 0, .. s_salt[..8], 0, (byte)capabilities, (byte)(capabilities >> 8), 33, 2, 0, (byte)(capabilities >> 16), (byte)(capabilities >> 24), 21,
        .. new byte[10], .. s_salt[8..], 0, .. Encoding.ASCII.GetBytes(plugin), 0,
    ];

    /// <summary>The client's login; the first packet that it is answered with.</summary>
    private static async Task<byte[]> LogInAsync(Stream client, string plugin, byte[] proof)
    {
        var (_, greeting) = await ReadAsync(client);
        Assert.Equal(10, greeting[0]);
        var head = new byte[32];
        BinaryPrimitives.WriteUInt32LittleEndian(head, 0x0088A201);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(4), 1 << 24);
        head[8] = 33;
        await WriteAsync(client, 1, [.. head, .. "mallory\0"u8, (byte)proof.Length, .. proof, .. Encoding.ASCII.GetBytes(plugin), 0]);
        return (await ReadAsync(client)).Payload;
    }

    private static async Task<(byte Number, byte[] Payload)> ReadAsync(Stream stream)
    {
        var head = new byte[4];
        await stream.ReadExactlyAsync(head, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        var payload = new byte[head[0] | (head[1] << 8) | (head[2] << 16)];
        await stream.ReadExactlyAsync(payload, Cancel);
        return (head[3], payload);
    }

    private static Task WriteAsync(Stream stream, byte number, byte[] payload)
        => stream.WriteAsync((byte[])[(byte)payload.Length, (byte)(payload.Length >> 8), (byte)(payload.Length >> 16), number, .. payload], Cancel).AsTask();

    private static byte[] Sha2Proof(string password, byte[] salt)
    {
        var key = SHA256.HashData(Encoding.ASCII.GetBytes(password));
        return Xor(SHA256.HashData((byte[])[.. SHA256.HashData(SHA256.HashData(Encoding.ASCII.GetBytes(password))), .. salt]), key);
    }

#pragma warning disable CA5350 // The protocol's own choice.
    private static byte[] NativeProof(string password, byte[] salt)
    {
        var key = SHA1.HashData(Encoding.ASCII.GetBytes(password));
        return Xor(SHA1.HashData((byte[])[.. salt, .. SHA1.HashData(key)]), key);
    }
#pragma warning restore CA5350

    private static byte[] Xor(byte[] left, byte[] right) => [.. left.Zip(right, (a, b) => (byte)(a ^ b))];
}
