using System.Buffers.Binary;
using Moat.Credentials;

namespace Moat.Gateway.Databases;

/// <summary>
/// PostgreSQL: TLS for a client that asks for it, no password from it; the grant's user and database in the startup
/// message; and a request to cancel only for a session of this run.
/// </summary>
internal sealed class PostgresHandshake(DatabaseLink link) : DatabaseHandshake(link)
{
    private const int CancelRequest = 80877102, SslRequest = 80877103, GssRequest = 80877104;

    // Settings and notices before a session is ready; some dozen are usual.
    private const int MaxGreetings = 1000;

    private string? _key;

    public override FrameScanner Answers { get; } = HeadedFrames.Postgres();

    // Nothing in the protocol changes who a session is; what SQL may do is the role's business.
    public override CommandFilter? Commands => null;

    public override async Task<bool> RunAsync(CancellationToken ct)
    {
        var (code, body) = await OpeningAsync(ct).ConfigureAwait(false);
        if (code == CancelRequest)
        {
            await CancelAsync(body, ct).ConfigureAwait(false);
            return false;
        }
        var startup = PostgresStartup.Parse(code, body);
        var database = DatabaseOf(startup);
        await Link.DialAsync("session", database, ct).ConfigureAwait(false);
        await SecureAsync(ct).ConfigureAwait(false);
        await Link.Upstream.WriteAsync(startup.Write(Link.Target.User, database), ct).ConfigureAwait(false);
        if (await new PostgresLogin(Link, MaxMessage).RunAsync(ct).ConfigureAwait(false) is { } refusal) return await RefusedAsync(refusal, ct).ConfigureAwait(false);
        if (startup.Negotiation() is { } negotiation) await Link.Client.WriteAsync(negotiation, ct).ConfigureAwait(false);
        await Link.Client.WriteAsync(PostgresMessage.Write('R', stackalloc byte[4]), ct).ConfigureAwait(false);
        return await GreetAsync(ct).ConfigureAwait(false);
    }

    public override async Task TellAsync(string reason, CancellationToken ct)
    {
        await Link.Client.WriteAsync(PostgresMessage.WriteError("28000", reason), ct).ConfigureAwait(false);
        await Link.Client.FlushAsync(ct).ConfigureAwait(false);
    }

    public override void End()
    {
        if (_key is not null) Link.Services.CancelKeys.TryRemove((Link.Grant.Name, _key), out _);
    }

    /// <summary>Answers the requests for encryption until the client says what it came for.</summary>
    private async Task<(int Code, byte[] Body)> OpeningAsync(CancellationToken ct)
    {
        // Since PostgreSQL 17 a client may begin with TLS itself.
        if (await Link.ClientBeginsTlsAsync(ct).ConfigureAwait(false)) await Link.SecureClientAsync("postgresql", ct).ConfigureAwait(false);
        for (var asked = 0; asked < 3; asked++)
        {
            var head = await ReadAsync(Link.Client, 8, ct).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadInt32BigEndian(head);
            var code = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4));
            if (length is < 8 or > PostgresStartup.MaxLength) throw SessionException.Malformed("the startup message");
            if (code is not (SslRequest or GssRequest)) return (code, await ReadAsync(Link.Client, length - 8, ct).ConfigureAwait(false));
            if (length != 8 || Link.ClientIsSecure) throw SessionException.Malformed("the request for encryption");
            await Link.Client.WriteAsync(code == SslRequest ? "S"u8.ToArray() : "N"u8.ToArray(), ct).ConfigureAwait(false);
            if (code == SslRequest) await Link.SecureClientAsync(protocol: null, ct).ConfigureAwait(false);
        }
        throw SessionException.Malformed("the request for encryption");
    }

    private string DatabaseOf(PostgresStartup startup)
    {
        if (startup.IsReplication) throw new SessionException("replication reads the whole server, its passwords included; the gateway does not pass it");
        var granted = Link.Target.Database;
        var asked = startup.Database;
        if (granted.Length == 0) return string.IsNullOrEmpty(asked) || asked == startup.User ? Link.Target.User : asked;
        // libpq names the user where nobody named a database.
        if (string.IsNullOrEmpty(asked) || asked == granted || asked == startup.User) return granted;
        throw new SessionException($"the grant is for the database {granted} alone");
    }

    private async Task SecureAsync(CancellationToken ct)
    {
        if (Link.Target.Tls == DatabaseTls.Disable) return;
        await Link.Upstream.WriteAsync(PostgresMessage.WriteRequest(SslRequest), ct).ConfigureAwait(false);
        // One byte and no more, so that nothing which was sent before the handshake is taken for what came after.
        if ((await ReadAsync(Link.Upstream, 1, ct).ConfigureAwait(false))[0] != (byte)'S') throw new SessionException("the server offers no TLS, and the grant asks for it");
        await Link.SecureUpstreamAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Passes what the server says of the new session, up to its being ready.</summary>
    private async Task<bool> GreetAsync(CancellationToken ct)
    {
        for (var i = 0; i < MaxGreetings; i++)
        {
            var message = await PostgresMessage.ReadAsync(Link.Upstream, MaxMessage, ct).ConfigureAwait(false);
            switch (message[0])
            {
                case (byte)'E':
                    return await RefusedAsync(message, ct).ConfigureAwait(false);
                case (byte)'K':
                    _key = Convert.ToHexString(PostgresMessage.Body(message));
                    Link.Services.CancelKeys[(Link.Grant.Name, _key)] = 0;
                    break;
            }
            await PassAsync(message, ct).ConfigureAwait(false);
            if (message[0] == (byte)'Z') return true;
        }
        throw SessionException.Malformed("the server's greeting");
    }

    private async Task<bool> RefusedAsync(byte[] refusal, CancellationToken ct)
    {
        await PassAsync(refusal, ct).ConfigureAwait(false);
        throw SessionException.RefusedByServer();
    }

    /// <summary>A key is the server's random number: who has one of this run's was given it with a session.</summary>
    private async Task CancelAsync(byte[] body, CancellationToken ct)
    {
        if (!Link.Services.CancelKeys.ContainsKey((Link.Grant.Name, Convert.ToHexString(body)))) throw new SessionException("no open session of this run has the key of this request to cancel");
        await Link.DialAsync("cancel", "", ct).ConfigureAwait(false);
        await SecureAsync(ct).ConfigureAwait(false);
        await Link.Upstream.WriteAsync(PostgresMessage.WriteRequest(CancelRequest, body), ct).ConfigureAwait(false);
        await Link.Upstream.FlushAsync(ct).ConfigureAwait(false);
        // The server answers by closing, once it has passed the word on.
        while (await Link.Upstream.ReadAsync(new byte[64], ct).ConfigureAwait(false) > 0) { }
    }
}
