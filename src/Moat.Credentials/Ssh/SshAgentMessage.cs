namespace Moat.Credentials.Ssh;

/// <summary>The messages of the agent protocol that are used here (draft-miller-ssh-agent §5.1).</summary>
public static class SshAgentMessage
{
    public const byte Failure = 5, Success = 6, RequestIdentities = 11, IdentitiesAnswer = 12, SignRequest = 13, SignResponse = 14, Extension = 27;

    /// <summary>The extension that ties a connection to a session (OpenSSH's PROTOCOL.agent §1).</summary>
    public const string SessionBind = "session-bind@openssh.com";
}
