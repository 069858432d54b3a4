using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Gateway.Tests.Databases;

/// <summary>A PostgreSQL server as its documentation describes it, honest or not as the test wants it.</summary>
internal sealed class PlayedPostgres(DatabaseScene scene)
{
    /// <summary>What the server knows; another than the scene's is a server that does not know the password.</summary>
    public string Password { get; init; } = scene.Password;

    public int Iterations { get; init; } = 4096;

    public string[] Mechanisms { get; init; } = ["SCRAM-SHA-256"];

    /// <summary>False: it answers N to the question for TLS.</summary>
    public bool HasTls { get; init; } = true;

    /// <summary>Changes each message of the login before it is sent.</summary>
    public Func<byte[], byte[]> Twist { get; init; } = message => message;

    /// <summary>The startup message's settings as they arrived.</summary>
    public string Startup { get; private set; } = "";

    /// <summary>The mechanism and header that the gateway chose.</summary>
    public string Chosen { get; private set; } = "";

    public static byte[] Message(char type, ReadOnlySpan<byte> body)
    {
        var message = new byte[5 + body.Length];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Length + 4);
        body.CopyTo(message.AsSpan(5));
        return message;
    }

    public static byte[] Authentication(int method, ReadOnlySpan<byte> rest)
    {
        var body = new byte[4 + rest.Length];
        BinaryPrimitives.WriteInt32BigEndian(body, method);
        rest.CopyTo(body.AsSpan(4));
        return Message('R', body);
    }

    public static async Task<(char Type, byte[] Body)> ReadAsync(Stream stream)
    {
        var head = new byte[5];
        await stream.ReadExactlyAsync(head);
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
        await stream.ReadExactlyAsync(body);
        return ((char)head[0], body);
    }

    /// <summary>The question for TLS and the startup message.</summary>
    public async Task<Stream> OpenAsync(Stream stream)
    {
        var first = await StartupAsync(stream);
        if (BinaryPrimitives.ReadInt32BigEndian(first) == 80877103)
        {
            await stream.WriteAsync(HasTls ? "S"u8.ToArray() : "N"u8.ToArray());
            if (!HasTls) return stream;
            stream = await scene.AnswerTlsAsync(stream);
            first = await StartupAsync(stream);
        }
        Startup = Encoding.ASCII.GetString(first.AsSpan(4));
        return stream;
    }

    /// <summary>The whole login by SCRAM, then a session that answers each query with its own text.</summary>
    public async Task ServeAsync(Stream connection)
    {
        var stream = await OpenAsync(connection);
        if (!await ScramAsync(stream)) return;
        await stream.WriteAsync((byte[])[.. Authentication(0, []), .. Message('K', [0, 0, 0, 7, 1, 2, 3, 4]), .. Message('Z', "I"u8)]);
        while (true)
        {
            var (type, body) = await ReadAsync(stream);
            if (type == 'X') return;
            await stream.WriteAsync((byte[])[.. Message('D', body), .. Message('Z', "I"u8)]);
        }
    }

    public async Task<bool> ScramAsync(Stream stream)
    {
        await stream.WriteAsync(Authentication(10, Encoding.ASCII.GetBytes(string.Join('\0', Mechanisms) + "\0\0")));
        var (_, body) = await ReadAsync(stream);
        var end = body.AsSpan().IndexOf((byte)0);
        var clientFirst = Encoding.ASCII.GetString(body.AsSpan(end + 5));
        Chosen = Encoding.ASCII.GetString(body.AsSpan(0, end)) + " " + clientFirst[..(clientFirst.IndexOf(",,", StringComparison.Ordinal) + 2)];
        var bare = clientFirst[(clientFirst.IndexOf(",,", StringComparison.Ordinal) + 2)..];
        var nonce = bare[bare.IndexOf("r=", StringComparison.Ordinal)..] + "server";
        var salt = RandomNumberGenerator.GetBytes(16);
        var serverFirst = $"{nonce},s={Convert.ToBase64String(salt)},i={Iterations}";
        await stream.WriteAsync(Twist(Authentication(11, Encoding.ASCII.GetBytes(serverFirst))));
        var (_, final) = await ReadAsync(stream);
        var clientFinal = Encoding.ASCII.GetString(final);
        var salted = Rfc2898DeriveBytes.Pbkdf2(Password, salt, Iterations, HashAlgorithmName.SHA256, 32);
        var message = $"{bare},{serverFirst},{clientFinal[..clientFinal.IndexOf(",p=", StringComparison.Ordinal)]}";
        var signature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), Encoding.ASCII.GetBytes(message));
        // An honest server looks at the client's proof first.
        var stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var proof = Convert.FromBase64String(clientFinal[(clientFinal.IndexOf(",p=", StringComparison.Ordinal) + 3)..]);
        var mask = HMACSHA256.HashData(stored, Encoding.ASCII.GetBytes(message));
        for (var i = 0; i < mask.Length; i++) proof[i] ^= mask[i];
        ProofWasGood = SHA256.HashData(proof).AsSpan().SequenceEqual(stored);
        await stream.WriteAsync(Twist(Authentication(12, Encoding.ASCII.GetBytes("v=" + Convert.ToBase64String(signature)))));
        return true;
    }

    public bool ProofWasGood { get; private set; }

    private static async Task<byte[]> StartupAsync(Stream stream)
    {
        var head = new byte[4];
        await stream.ReadExactlyAsync(head);
        var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(head) - 4];
        await stream.ReadExactlyAsync(rest);
        return rest;
    }
}
