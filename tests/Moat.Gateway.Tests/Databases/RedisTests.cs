using System.Buffers;
using System.Text;
using CsCheck;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway.Databases;

namespace Moat.Gateway.Tests.Databases;

/// <summary>Redis through the gateway: logins in every form, and the commands that would tell or change one.</summary>
public sealed class RedisTests
{
    private static readonly string[] s_answers = ["+OK\r\n", "-ERR x\r\n", ":12\r\n", "$5\r\nab\r\nc\r\n", "$-1\r\n", "$0\r\n\r\n", "*2\r\n", "%1\r\n", "=7\r\ntxt:a\r\n\r\n", "_\r\n", ",1.5\r\n", "!3\r\n\r\n\r\r\n", "$12\r\n0123456789ab\r\n"];
    private static readonly DatabaseRequest s_plain = new() { SslMode = "disable" };

    [Theory]
    [InlineData("", "", "*2|$4|AUTH|$35|PW|")]
    [InlineData("app", "", "*3|$4|AUTH|$3|app|$35|PW|")]
    [InlineData("app", "3", "*3|$4|AUTH|$3|app|$35|PW|*2|$6|SELECT|$1|3|")]
    public async Task The_gateway_says_the_grants_login_before_the_client_says_a_word(string user, string database, string expected)
    {
        var seen = new MemoryStream();
        await using var scene = await DatabaseScene.StartAsync("redis", stream => ServeAsync(stream, seen), s_plain with { User = user.Length == 0 ? null : user, Database = database.Length == 0 ? null : database });
        var client = await scene.ConnectAsync();
        await client.WriteAsync(Command("PING"), Cancel);
        Assert.Equal("+OK\r\n", await LineAsync(client));
        client.Close();
        await scene.EndedAsync();
        var said = Encoding.ASCII.GetString(seen.ToArray());
        Assert.Equal(expected.Replace("PW", scene.Password, StringComparison.Ordinal).Replace("|", "\r\n", StringComparison.Ordinal) + "*1\r\n$4\r\nPING\r\n", said);
        Assert.Single(scene.Records(AuditTypes.SessionIntent));
    }

    [Fact]
    public async Task A_server_that_refuses_the_login_ends_the_session_without_its_words()
    {
        await using var scene = await DatabaseScene.StartAsync("redis", async stream =>
        {
            await stream.ReadExactlyAsync(new byte[10]);
            await stream.WriteAsync("-WRONGPASS invalid\r\n"u8.ToArray());
        }, s_plain);
        var client = await scene.ConnectAsync();
        await client.WriteAsync(Command("PING"), Cancel);
        Assert.Equal("-ERR moat: the server refused the login\r\n", await LineAsync(client));
    }

    [Fact]
    public async Task A_server_without_TLS_never_sees_the_password_of_a_grant_that_verifies()
    {
        var seen = new MemoryStream();
        await using var scene = await DatabaseScene.StartAsync("redis", async stream =>
        {
            var first = new byte[512];
            seen.Write(first, 0, await stream.ReadAsync(first));
            await stream.WriteAsync("+OK\r\n"u8.ToArray());
        });
        var client = await scene.ConnectAsync();
        await client.WriteAsync(Command("PING"), Cancel);
        Assert.StartsWith("-ERR moat: ", await LineAsync(client), StringComparison.Ordinal);
        await scene.EndedAsync();
        scene.AssertNoPasswordIn(seen.ToArray());
    }

    [Fact]
    public async Task A_connection_to_another_host_on_the_port_is_refused_and_recorded()
    {
        await using var scene = await DatabaseScene.StartAsync("redis", _ => Task.CompletedTask, s_plain);
        using var door = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        door.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        await using var listening = DatabaseDoor.Open(scene.Services, new Dictionary<int, IReadOnlyList<System.Net.Sockets.SafeSocketHandle>> { [6379] = [door.SafeHandle] });
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync((System.Net.IPEndPoint)door.LocalEndPoint!, Cancel);
        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], Cancel));
        Assert.Equal(("grant", "127.0.0.1", 6379), (Assert.Single(scene.Denials).Kind, scene.Denials.Single().Host, scene.Denials.Single().Port));
    }

    [Theory]
    [InlineData("AUTH x", "+OK\r\n", "")]
    [InlineData("auth app x", "+OK\r\n", "")]
    [InlineData("HELLO 3 AUTH app x", "", "HELLO 3")]
    [InlineData("HELLO 3 SETNAME me AUTH app x", "", "HELLO 3 SETNAME me")]
    [InlineData("hello 2", "", "hello 2")]
    [InlineData("CONFIG GET maxmemory", "", "CONFIG GET maxmemory")]
    [InlineData("ACL WHOAMI", "", "ACL WHOAMI")]
    [InlineData("GET requirepass", "", "GET requirepass")]
    public void A_command_passes_or_is_answered(string command, string answer, string passed)
    {
        var (upstream, answered) = Take(new RedisCommands(), Command(command.Split(' ')));
        Assert.Equal((answer, passed.Length == 0 ? "" : Encoding.ASCII.GetString(Command(passed.Split(' ')))), (answered, upstream));
    }

    [Theory]
    [InlineData("AUTH")]
    [InlineData("AUTH a b c")]
    [InlineData("HELLO 4 AUTH a b")]
    [InlineData("HELLO 3 AUTH a")]
    [InlineData("HELLO 3 OTHER")]
    [InlineData("config get requirepass")]
    [InlineData("CONFIG GET REQUIREPASS")]
    [InlineData("CONFIG GET maxmemory requirepass")]
    [InlineData("CONFIG GET *")]
    [InlineData("CONFIG GET r?quire????")]
    [InlineData("CONFIG GET require[p]ass")]
    [InlineData("CONFIG GET masterauth")]
    [InlineData("CONFIG SET maxmemory 1")]
    [InlineData("CONFIG REWRITE")]
    [InlineData("CONFIG")]
    [InlineData("ACL LIST")]
    [InlineData("ACL GETUSER app")]
    [InlineData("acl setuser eve on nopass")]
    [InlineData("ACL LOG")]
    [InlineData("ACL USERS")]
    [InlineData("RESET")]
    [InlineData("REPLICAOF a 1")]
    [InlineData("SLAVEOF a 1")]
    [InlineData("PSYNC ? -1")]
    [InlineData("SYNC")]
    [InlineData("FAILOVER")]
    public void A_command_that_tells_or_changes_the_login_is_refused(string command)
    {
        Assert.Throws<SessionException>(() => Take(new RedisCommands(), Command(command.Split(' '))));
        // Also behind another one in the same bytes, and byte by byte.
        Assert.Throws<SessionException>(() => Take(new RedisCommands(), [.. Command("PING"), .. Command(command.Split(' '))]));
        var filter = new RedisCommands();
        Assert.Throws<SessionException>(() => Array.ForEach(Command(command.Split(' ')), b => Take(filter, [b])));
    }

    [Theory]
    [InlineData("PING\r\n")]
    [InlineData("CONFIG GET requirepass\r\n")]
    [InlineData("\r\n*1\r\n$4\r\nPING\r\n")]
    [InlineData("*1\n$4\nPING\n")]
    [InlineData("*01\r\n$4\r\nPING\r\n")]
    [InlineData("*+1\r\n$4\r\nPING\r\n")]
    [InlineData("*0\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*1\r\n$-1\r\n")]
    [InlineData("*1\r\n$ 4\r\nPING\r\n")]
    [InlineData("*1\r\n$4\r\nPING__")]
    [InlineData("*1\r\n:4\r\n")]
    [InlineData("*1\r\n$536870913\r\n")]
    [InlineData("*99999999999999999999\r\n")]
    [InlineData("*2\r\n$4\r\nAUTH\r\n$20000\r\n")]
    public void Bytes_that_a_server_could_read_in_another_way_are_refused(string text)
        => Assert.Throws<SessionException>(() => Take(new RedisCommands(), Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void AUTH_behind_a_command_is_refused_since_its_answer_would_come_out_of_turn()
        => Assert.Throws<SessionException>(() => Take(new RedisCommands(), [.. Command("PING"), .. Command("AUTH", "x")]));

    [Fact]
    public void A_value_passes_whole_whatever_it_looks_like_and_however_it_is_cut() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[1, 40]).Sample((value, cut) =>
        {
            byte[] command = [.. Command([Encoding.ASCII.GetBytes("SET"), value, Command("AUTH", "x")]), .. Command([value, value])];
            var filter = new RedisCommands();
            var passed = string.Concat(command.Chunk(cut).Select(part => Take(filter, part).Upstream));
            return passed == Encoding.Latin1.GetString(command);
        }, iter: 2000);

    [Fact]
    public void The_end_of_each_answer_is_found_however_it_is_cut() =>
        Gen.Select(Gen.Int[0, s_answers.Length - 1].Select(i => s_answers[i]).Array[1, 20], Gen.Int[1, 30]).Sample((answers, cut) =>
        {
            var frames = new RespFrames();
            var bytes = Encoding.ASCII.GetBytes(string.Concat(answers));
            var ends = new HashSet<int>();
            for (var (i, at) = (0, 0); i < answers.Length; i++) ends.Add(at += answers[i].Length);
            for (var at = 0; at < bytes.Length; at += cut)
            {
                var part = bytes[at..Math.Min(at + cut, bytes.Length)];
                var end = frames.Advance(part);
                var last = ends.Where(e => e > at && e <= at + part.Length).DefaultIfEmpty(at).Max();
                if (at + end != last) return false;
            }
            return true;
        }, iter: 2000);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static (string Upstream, string Answer) Take(RedisCommands filter, byte[] bytes)
    {
        var (upstream, answer) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        filter.Take(bytes, upstream, answer);
        return (Encoding.Latin1.GetString(upstream.WrittenSpan), Encoding.Latin1.GetString(answer.WrittenSpan));
    }

    private static byte[] Command(params string[] words) => Command(Array.ConvertAll(words, Encoding.ASCII.GetBytes));

    private static byte[] Command(byte[][] words)
        => [.. Encoding.ASCII.GetBytes($"*{words.Length}\r\n"), .. words.SelectMany(word => (byte[])[.. Encoding.ASCII.GetBytes($"${word.Length}\r\n"), .. word, .. "\r\n"u8])];

    private static async Task<string> LineAsync(Stream stream)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (line.Length == 0 || line[^1] != '\n')
        {
            await stream.ReadExactlyAsync(one, Cancel);
            line.Append((char)one[0]);
        }
        return line.ToString();
    }

    /// <summary>Answers each command with OK and remembers all.</summary>
    private static async Task ServeAsync(Stream stream, MemoryStream seen)
    {
        var buffer = new byte[4096];
        for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
        {
            seen.Write(buffer, 0, read);
            for (var i = 0; i < buffer.AsSpan(0, read).Count((byte)'*'); i++) await stream.WriteAsync("+OK\r\n"u8.ToArray());
        }
    }
}
