using Moat.Linux;

namespace Moat.Sandboxes;

/// <summary>
/// Who the agent is inside. An ordinary user keeps the own number, so that files of the workspace keep their owner;
/// root appears as 1000, because an agent that reads uid 0 believes it holds the machine (and some refuse to run).
/// </summary>
internal static class SandboxIdentity
{
    public const string User = "agent";
    public const string Home = "/home/agent";

    public static (uint Uid, uint Gid) Inner => (Libc.getuid() is var uid and not 0 ? uid : 1000, Libc.getgid() is var gid and not 0 ? gid : 1000);
}
