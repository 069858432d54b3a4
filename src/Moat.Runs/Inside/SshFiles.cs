using System.Text;
using Moat.Credentials;
using Moat.Credentials.Ssh;
using Moat.Linux.Net;
using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>What ssh and git find inside of a run with SSH grants: the pinned host keys, and where the agent answers. No key of the person's.</summary>
internal static class SshFiles
{
    /// <summary>The variable that names the agent's socket, and its value.</summary>
    public static KeyValuePair<string, string> Variable { get; } = new(SshAgentClient.Variable, Listeners.SshAgentPath);

    private const string KnownHosts = "/etc/ssh/ssh_known_hosts";

    /// <summary>Whether a run with these grants has SSH at all.</summary>
    public static bool AreWanted(IReadOnlyList<UnlockedGrant> grants) => grants.Any(grant => SshGrant.HostOf(grant.Name) is not null);

    /// <summary>The system's configuration of ssh; none without a grant.</summary>
    public static IEnumerable<SandboxFile> Of(IReadOnlyList<UnlockedGrant> grants)
    {
        var granted = Granted(grants);
        if (granted.Count == 0) return [];
        var known = new StringBuilder();
        var config = new StringBuilder();
        foreach (var access in granted)
        {
            foreach (var key in access.HostKeys) known.Append(access.Host).Append(' ').Append(key).Append('\n');
            // Only what is pinned is asked for: another key of the host, though genuine, could not be told from a foreign one.
            config.Append("Host ").Append(access.Host).Append("\n    HostKeyAlgorithms ").AppendJoin(',', access.HostKeys.SelectMany(key => SshAlgorithms.Signatures(key.Type)).Distinct()).Append('\n');
        }
        config.Append("Host *\n    IdentityAgent ").Append(Listeners.SshAgentPath)
            .Append("\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    PreferredAuthentications publickey\n    GlobalKnownHostsFile ").Append(KnownHosts).Append('\n');
        return [File(KnownHosts, known), File("/etc/ssh/ssh_config", config)];
    }

    /// <summary>git's settings for commits that a granted key signs; empty where none does.</summary>
    public static string GitConfig(IReadOnlyList<UnlockedGrant> grants) =>
        Granted(grants).FirstOrDefault(access => access.SignsCommits) is { } access
            ? $"[gpg]\n\tformat = ssh\n[user]\n\tsigningKey = key::{access.Key}\n"
            : "";

    private static List<SshAccess> Granted(IReadOnlyList<UnlockedGrant> grants) => [.. grants.Select(SshAccess.Of).OfType<SshAccess>()];

    private static SandboxFile File(string path, StringBuilder text) => new(path, Encoding.ASCII.GetBytes(text.ToString()), 0b100_100_100);
}
