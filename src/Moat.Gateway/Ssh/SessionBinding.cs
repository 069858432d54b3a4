using Moat.Credentials.Ssh;

namespace Moat.Gateway.Ssh;

/// <summary>
/// What ties an agent connection to one SSH session (OpenSSH's PROTOCOL.agent §1): the server's key, the session's
/// identifier, and the server's signature over it out of the key exchange, which nobody can make who is not that server.
/// </summary>
internal sealed record SessionBinding(SshPublicKey HostKey, byte[] SessionId, byte[] Message)
{
    private const int MaxSessionId = 128;

    /// <summary>Reads the extension's content, which follows its name.</summary>
    /// <param name="message">The whole message, for an agent behind this one.</param>
    /// <param name="problem">Why there is no binding.</param>
    public static SessionBinding? Read(SshReader content, ReadOnlySpan<byte> message, out string problem)
    {
        var blob = content.String();
        var session = content.String();
        var signature = content.String();
        var isForwarding = content.Boolean();
        problem = "the session-bind message is malformed";
        if (!content.IsAtEnd || session.Length is 0 or > MaxSessionId || SshPublicKey.Read(blob) is not { } hostKey) return null;
        problem = "the agent of a sandbox cannot be forwarded to another host";
        if (isForwarding) return null;
        problem = $"the session is not signed by the host key {hostKey.Fingerprint} that it names";
        if (!hostKey.Verify(signature, session)) return null;
        problem = "";
        return new SessionBinding(hostKey, session.ToArray(), message.ToArray());
    }

    public bool IsSameAs(SessionBinding other) => HostKey.Equals(other.HostKey) && SessionId.AsSpan().SequenceEqual(other.SessionId);
}
