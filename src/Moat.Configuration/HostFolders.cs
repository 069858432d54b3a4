namespace Moat.Configuration;

/// <summary>Folders of the host that no mount may open.</summary>
internal static class HostFolders
{
    private static readonly string[] s_kernel = ["/proc", "/sys", "/dev", "/run", "/var/run"];

    // Container managers that keep their sockets in the home folder: whoever reaches one is root on the host.
    private static readonly string[] s_homeSockets = [".docker/run", ".docker/desktop", ".colima", ".rd", ".lima", ".local/share/containers/podman"];
    private static readonly string[] s_socketNames = ["docker.sock", "containerd.sock", "podman.sock", "crio.sock", "buildkitd.sock"];

    /// <summary>The folder of the kernel or of running services that a real path lies in.</summary>
    public static string? Kernel(string real) => s_kernel.FirstOrDefault(folder => Paths.IsWithin(real, folder));

    /// <summary>Why a real path may not be mounted, or null.</summary>
    public static string? Refusal(string real, MoatDirectories directories)
    {
        if (real == "/") return "it is the whole file system of the host";
        if (Kernel(real) is { } kernel) return $"it lies in {kernel}, where the kernel and the host's services are reached";
        if (s_kernel.FirstOrDefault(folder => Paths.IsWithin(folder, real)) is { } below) return $"it holds {below}, where the kernel and the host's services are reached";
        foreach (var own in directories.Own.Select(Paths.Real).OfType<string>())
        {
            if (Paths.IsWithin(real, own) || Paths.IsWithin(own, real)) return $"it holds or lies in Moat's own folder {own}";
        }
        var home = Paths.Real(directories.Home) ?? directories.Home;
        foreach (var folder in s_homeSockets.Select(s => Path.Combine(home, s)).Where(Directory.Exists))
        {
            if (Paths.IsWithin(real, folder) || Paths.IsWithin(folder, real)) return $"it holds or lies in {folder}, where a container manager listens";
        }
        if (s_socketNames.Contains(Path.GetFileName(real)) || BoundedFile.IsSocket(real)) return "it is a socket of the host";
        if (Directory.Exists(real) && s_socketNames.FirstOrDefault(name => File.Exists(Path.Combine(real, name))) is { } socket) return $"it holds {socket}, a socket of a container manager";
        return null;
    }
}
