using Moat.Spec;

namespace Moat.Configuration;

/// <summary>A workspace folder that exists: its real path, and whether a person must confirm it first, and why.</summary>
public sealed record WorkspaceCheck(string HostPath, bool NeedsConfirmation, string Reason)
{
    /// <summary>Checks a workspace argument.</summary>
    /// <exception cref="MoatException">It is missing, is not a folder, or lies in Moat's own folders.</exception>
    public static WorkspaceCheck Of(string path, MoatDirectories directories) => throw new NotSupportedException(path + directories);
}
