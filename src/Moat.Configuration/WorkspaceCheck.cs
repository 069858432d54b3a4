using Moat.Spec;

namespace Moat.Configuration;

/// <summary>A workspace folder that exists: its real path, and whether a person must confirm it first, and why.</summary>
public sealed record WorkspaceCheck(string HostPath, bool NeedsConfirmation, string Reason)
{
    /// <summary>Checks a workspace argument.</summary>
    /// <exception cref="MoatException">It is missing, is not a folder, or lies in Moat's or the kernel's own folders.</exception>
    public static WorkspaceCheck Of(string path, MoatDirectories directories)
    {
        ArgumentNullException.ThrowIfNull(directories);
        var shown = Text.Printable(path);
        if (Paths.Real(path) is not { } real) throw new MoatException($"the workspace {shown} is a link that leads in a circle", "name the folder itself");
        if (File.Exists(real)) throw new MoatException($"the workspace {shown} is a file", "name a folder; the command comes after -- (moat run . -- command)");
        if (!Directory.Exists(real)) throw new MoatException($"the workspace {shown} does not exist", $"create it (mkdir -p {shown}) or name another folder");
        foreach (var own in directories.Own.Select(Paths.Real).OfType<string>())
        {
            if (Paths.IsWithin(real, own)) throw new MoatException($"the workspace {shown} lies in Moat's own folder {own}", "choose another folder: an agent that can write there could trust itself");
        }
        if (HostFolders.Kernel(real) is { } kernel) throw new MoatException($"the workspace {shown} lies in {kernel}", "choose a folder with your work in it");
        if (real == "/") return new WorkspaceCheck(real, true, "the workspace is the whole file system of this host; the agent could read and change all of it");
        var home = Paths.Real(directories.Home) ?? directories.Home;
        return real == home || Paths.IsWithin(home, real)
            ? new WorkspaceCheck(real, true, $"the workspace {real} holds your whole home folder; the agent could read and change all of it, keys and shell start files too")
            : new WorkspaceCheck(real, false, "");
    }
}
