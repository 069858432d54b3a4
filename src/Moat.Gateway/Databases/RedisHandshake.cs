using System.Security.Cryptography;
using System.Text;
using Moat.Credentials;

namespace Moat.Gateway.Databases;

/// <summary>
/// Redis: the gateway says AUTH (and SELECT) before anything of the client's goes up. Redis knows no other proof than the
/// password itself, so without TLS it goes in cleartext, as the person chose.
/// </summary>
internal sealed class RedisHandshake(DatabaseLink link) : DatabaseHandshake(link)
{
    private const int MaxLine = 1024;

    public override FrameScanner Answers { get; } = new RespFrames();

    public override CommandFilter? Commands { get; } = new RedisCommands();

    public override async Task<bool> RunAsync(CancellationToken ct)
    {
        if (await Link.ClientBeginsTlsAsync(ct).ConfigureAwait(false)) await Link.SecureClientAsync(protocol: null, ct).ConfigureAwait(false);
        var target = Link.Target;
        await Link.DialAsync("session", target.Database, ct).ConfigureAwait(false);
        if (target.Tls == DatabaseTls.VerifyFull) await Link.SecureUpstreamAsync(ct).ConfigureAwait(false);
        var password = Link.Grant.Secret.Reveal().ToArray();
        var login = RedisRules.Write(target.User.Length == 0 ? ["AUTH"u8.ToArray(), password] : ["AUTH"u8.ToArray(), Encoding.ASCII.GetBytes(target.User), password]);
        try
        {
            await Link.Upstream.WriteAsync(login, ct).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(password);
            CryptographicOperations.ZeroMemory(login);
        }
        await ExpectOkAsync("the server refused the login", ct).ConfigureAwait(false);
        if (target.Database.Length == 0) return true;
        await Link.Upstream.WriteAsync(RedisRules.Write(["SELECT"u8.ToArray(), Encoding.ASCII.GetBytes(target.Database)]), ct).ConfigureAwait(false);
        await ExpectOkAsync($"the server refused the database {target.Database}", ct).ConfigureAwait(false);
        return true;
    }

    public override async Task TellAsync(string reason, CancellationToken ct)
    {
        await Link.Client.WriteAsync(Encoding.UTF8.GetBytes($"-ERR {reason.ReplaceLineEndings(" ")}\r\n"), ct).ConfigureAwait(false);
        await Link.Client.FlushAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Reads a line, byte by byte, so that nothing of what follows is taken.</summary>
    private async Task ExpectOkAsync(string otherwise, CancellationToken ct)
    {
        var line = new byte[MaxLine];
        for (var length = 0; length < MaxLine; length++)
        {
            await Link.Upstream.ReadExactlyAsync(line.AsMemory(length, 1), ct).ConfigureAwait(false);
            if (line[length] != '\n') continue;
            if (!line.AsSpan(0, length + 1).SequenceEqual("+OK\r\n"u8)) throw new SessionException(otherwise);
            return;
        }
        throw SessionException.Malformed("the server's answer to the login");
    }
}
