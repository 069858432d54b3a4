using System.Buffers.Binary;
using System.Text;

namespace Moat.Gateway.Tests.Databases;

/// <summary>What a client of PostgreSQL sends and hears, byte by byte.</summary>
internal static class PostgresClient
{
    internal static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal static async Task AssertRefusedAsync(DatabaseScene scene, string reason)
    {
        var client = await scene.ConnectAsync();
        await StartAsync(client, "user\0u\0database\0d\0");
        Assert.Contains(reason, await ErrorAsync(client), StringComparison.Ordinal);
        await scene.EndedAsync();
        Assert.Contains(reason, Text(scene.Outcome(), "error"), StringComparison.Ordinal);
        Assert.Equal(0, await client.ReadAsync(new byte[1], Cancel));
    }

    internal static string Text(System.Text.Json.JsonElement payload, string name) => payload.GetProperty(name).GetString()!;

    internal static byte[] Startup(string settings)
    {
        var message = new byte[8 + settings.Length + 1];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), 3 << 16);
        Encoding.ASCII.GetBytes(settings, message.AsSpan(8));
        return message;
    }

    internal static Task StartAsync(Stream client, string settings) => client.WriteAsync(Startup(settings), Cancel).AsTask();

    internal static async Task<Stream> AskTlsAsync(DatabaseScene scene, Stream client)
    {
        await client.WriteAsync((byte[])[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x30], Cancel); // GSSENCRequest
        var answer = new byte[1];
        await client.ReadExactlyAsync(answer, Cancel);
        Assert.Equal((byte)'N', answer[0]);
        await client.WriteAsync((byte[])[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F], Cancel); // SSLRequest
        await client.ReadExactlyAsync(answer, Cancel);
        Assert.Equal((byte)'S', answer[0]);
        return await scene.SecureAsync(client);
    }

    /// <summary>Reads up to ReadyForQuery; the authentication messages among them.</summary>
    internal static async Task<List<(string Type, int Method)>> GreetingAsync(Stream client)
    {
        var found = new List<(string, int)>();
        while (true)
        {
            var (type, body) = await PlayedPostgres.ReadAsync(client).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
            if (type == 'R') found.Add(("R", BinaryPrimitives.ReadInt32BigEndian(body)));
            if (type == 'Z') return found;
            Assert.True(type != 'E', Encoding.UTF8.GetString(body));
        }
    }

    internal static async Task<string> ErrorAsync(Stream client)
    {
        var (type, body) = await PlayedPostgres.ReadAsync(client).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.Equal('E', type);
        return Encoding.UTF8.GetString(body);
    }

    internal static byte[] Replace(byte[] message, string old, string replacement)
    {
        var text = Encoding.ASCII.GetString(message.AsSpan(9)).Replace(old, replacement, StringComparison.Ordinal);
        return PlayedPostgres.Authentication(message[8], Encoding.ASCII.GetBytes(text));
    }
}
