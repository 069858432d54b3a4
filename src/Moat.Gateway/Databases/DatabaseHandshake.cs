namespace Moat.Gateway.Databases;

/// <summary>A protocol's way into a session: the client is let in without a proof, the server gets the grant's.</summary>
internal abstract class DatabaseHandshake(DatabaseLink link)
{
    /// <summary>Bytes of a message before the session began; no real one is longer.</summary>
    protected const int MaxMessage = 64 * 1024;

    protected DatabaseLink Link { get; } = link;

    /// <summary>Follows the server's answers after <see cref="RunAsync"/>.</summary>
    public abstract FrameScanner Answers { get; }

    /// <summary>Follows the client's commands after <see cref="RunAsync"/>; null: they pass.</summary>
    public abstract CommandFilter? Commands { get; }

    /// <returns>False: it was no session, and is over.</returns>
    /// <exception cref="SessionException">No session can be had.</exception>
    public abstract Task<bool> RunAsync(CancellationToken ct);

    /// <summary>Tells the client in its protocol's words why the session ends.</summary>
    public abstract Task TellAsync(string reason, CancellationToken ct);

    /// <summary>The session is over, however it went.</summary>
    public virtual void End()
    {
    }

    /// <summary>Passes the server's refusal to the client, which has the reason in it, without the secrets.</summary>
    protected async Task PassAsync(byte[] message, CancellationToken ct)
    {
        Link.Redactor.Redact(message);
        await Link.Client.WriteAsync(message, ct).ConfigureAwait(false);
        await Link.Client.FlushAsync(ct).ConfigureAwait(false);
    }

    protected static async Task<byte[]> ReadAsync(Stream stream, int length, CancellationToken ct)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, ct).ConfigureAwait(false);
        return bytes;
    }
}
