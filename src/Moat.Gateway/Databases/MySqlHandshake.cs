using System.Security.Cryptography;
using Moat.Credentials;

namespace Moat.Gateway.Databases;

/// <summary>
/// MySQL and MariaDB. The server greets first, so it is dialled before the client has said a word; the client gets that
/// greeting with another salt, and answers with a proof that nobody looks at.
/// </summary>
internal sealed class MySqlHandshake(DatabaseLink link) : DatabaseHandshake(link)
{
    // Switches of the plugin and rounds of one; real servers need three at most.
    private const int MaxRounds = 8;

    private byte _next;

    public override FrameScanner Answers { get; } = HeadedFrames.MySql();

    public override CommandFilter? Commands { get; } = new MySqlCommands();

    public override async Task<bool> RunAsync(CancellationToken ct)
    {
        await Link.DialAsync("session", Link.Target.Database, ct).ConfigureAwait(false);
        var (_, first) = await MySqlPacket.ReadAsync(Link.Upstream, MaxMessage, ct).ConfigureAwait(false);
        if (first[0] == MySqlPacket.Error) await RefusedAsync(first, ct).ConfigureAwait(false);
        var greeting = MySqlGreeting.Parse(first);
        var tls = Link.Target.Tls == DatabaseTls.VerifyFull;
        if (tls && !greeting.Capabilities.HasFlag(MySqlCapabilities.Ssl)) throw new SessionException("the server offers no TLS, and the grant asks for it");

        await MySqlPacket.WriteAsync(Link.Client, 0, greeting.ForClient(), ct).ConfigureAwait(false);
        var hello = await HelloAsync(greeting.Offered, ct).ConfigureAwait(false);
        var database = DatabaseOf(hello);
        byte number = 1;
        if (tls)
        {
            await MySqlPacket.WriteAsync(Link.Upstream, number++, hello.Head(tls, database.Length > 0), ct).ConfigureAwait(false);
            await Link.SecureUpstreamAsync(ct).ConfigureAwait(false);
        }
        // For a plugin that is not known the server is told one that is; it may switch back, and is refused then.
        var plugin = greeting.Plugin is MySqlProof.CachingSha2 ? greeting.Plugin : MySqlGreeting.NativePassword;
        var proof = MySqlProof.First(plugin, Link.Grant.Secret, greeting.Salt, Link.UpstreamIsVerified)!;
        await MySqlPacket.WriteAsync(Link.Upstream, number, hello.ForServer(tls, Link.Target.User, database, proof, plugin), ct).ConfigureAwait(false);
        var ok = await LogInAsync(plugin, greeting.Salt, ct).ConfigureAwait(false);

        // caching_sha2_password waits for the word that its proof was found in the cache.
        if (hello.Plugin == MySqlProof.CachingSha2 && hello.HasProof) await MySqlPacket.WriteAsync(Link.Client, _next++, (byte[])[MySqlPacket.MoreData, 3], ct).ConfigureAwait(false);
        await MySqlPacket.WriteAsync(Link.Client, _next++, ok, ct).ConfigureAwait(false);
        return true;
    }

    public override Task TellAsync(string reason, CancellationToken ct) => MySqlPacket.WriteAsync(Link.Client, _next, MySqlPacket.WriteError(reason), ct);

    private async Task<MySqlHello> HelloAsync(MySqlCapabilities offered, CancellationToken ct)
    {
        var (number, payload) = await MySqlPacket.ReadAsync(Link.Client, MaxMessage, ct).ConfigureAwait(false);
        if (MySqlHello.IsTlsRequest(payload))
        {
            await Link.SecureClientAsync(protocol: null, ct).ConfigureAwait(false);
            (number, payload) = await MySqlPacket.ReadAsync(Link.Client, MaxMessage, ct).ConfigureAwait(false);
        }
        _next = (byte)(number + 1);
        return MySqlHello.Parse(payload, offered);
    }

    private string DatabaseOf(MySqlHello hello)
    {
        var granted = Link.Target.Database;
        if (granted.Length == 0 || hello.Database == granted) return hello.Database;
        if (hello.Database.Length == 0) return granted;
        throw new SessionException($"the grant is for the database {granted}");
    }

    /// <summary>Answers the server's plugins until it lets us in.</summary>
    /// <returns>Its OK, for the client.</returns>
    private async Task<byte[]> LogInAsync(string plugin, byte[] salt, CancellationToken ct)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var (number, payload) = await MySqlPacket.ReadAsync(Link.Upstream, MaxMessage, ct).ConfigureAwait(false);
            switch (payload[0])
            {
                case MySqlPacket.Ok:
                    return payload;
                case MySqlPacket.Error:
                    await RefusedAsync(payload, ct).ConfigureAwait(false);
                    break;
                case MySqlPacket.AuthSwitch:
                    (plugin, salt) = Switch(payload);
                    await ProveAsync((byte)(number + 1), MySqlProof.First(plugin, Link.Grant.Secret, salt, Link.UpstreamIsVerified), plugin, ct).ConfigureAwait(false);
                    break;
                case MySqlPacket.MoreData when plugin == MySqlProof.CachingSha2 && payload.Length > 1:
                    await ContinueAsync((byte)(number + 1), payload, salt, ct).ConfigureAwait(false);
                    break;
                default:
                    throw SessionException.Malformed("the server's answer to the login");
            }
        }
        throw SessionException.Malformed("the server's answer to the login");
    }

    /// <summary>What follows on the first proof of caching_sha2_password: 3 it was enough, 4 the password itself is wanted, else a key.</summary>
    private async Task ContinueAsync(byte number, byte[] payload, byte[] salt, CancellationToken ct)
    {
        if (payload is [_, 3]) return;
        if (payload is [_, 4])
        {
            if (Link.UpstreamIsVerified) await ProveAsync(number, MySqlProof.WithZero(Link.Grant.Secret), MySqlProof.CachingSha2, ct).ConfigureAwait(false);
            // Whoever is on the way could send a key of his own, and would read the password.
            else if (!Link.UpstreamIsLoopback) throw new SessionException("the server asks for the password itself over a connection without TLS");
            else await MySqlPacket.WriteAsync(Link.Upstream, number, (byte[])[2], ct).ConfigureAwait(false);
            return;
        }
        if (Link.UpstreamIsVerified || !Link.UpstreamIsLoopback) throw SessionException.Malformed("the server's answer to the login");
        await ProveAsync(number, MySqlProof.Encrypted(Link.Grant.Secret, salt, payload.AsSpan(1)), MySqlProof.CachingSha2, ct).ConfigureAwait(false);
    }

    private async Task ProveAsync(byte number, byte[]? proof, string plugin, CancellationToken ct)
    {
        if (proof is null)
        {
            throw new SessionException(plugin == MySqlProof.Clear
                ? "the server asks for the password itself over a connection without TLS"
                : "the server asks for a proof of a kind that the gateway does not give");
        }
        await MySqlPacket.WriteAsync(Link.Upstream, number, proof, ct).ConfigureAwait(false);
        CryptographicOperations.ZeroMemory(proof);
    }

    private static (string Plugin, byte[] Salt) Switch(ReadOnlySpan<byte> payload)
    {
        var end = payload.IndexOf((byte)0);
        if (end < 2) throw new SessionException("the server is older than the logins that the gateway knows");
        var salt = payload[(end + 1)..].TrimEnd((byte)0);
        return (System.Text.Encoding.ASCII.GetString(payload[1..end]), salt[..Math.Min(salt.Length, 20)].ToArray());
    }

    private async Task RefusedAsync(byte[] error, CancellationToken ct)
    {
        Link.Redactor.Redact(error);
        await MySqlPacket.WriteAsync(Link.Client, _next, error, ct).ConfigureAwait(false);
        throw SessionException.RefusedByServer();
    }
}
