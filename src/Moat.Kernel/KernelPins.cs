namespace Moat.Kernel;

/// <summary>What is left in the BPF file system of runs whose supervisor died: the programs that go on holding their processes.</summary>
public static class KernelPins
{
    private const string Root = "/sys/fs/bpf/moat";

    /// <summary>Removes the pins of runs whose cgroup is gone, or is empty. Returns how many runs that were.</summary>
    public static int Sweep()
    {
        if (!Directory.Exists(Root)) return 0;
        var swept = 0;
        foreach (var directory in Directory.GetDirectories(Root))
        {
            // A BPF file system holds no text, so the cgroup's path is in the directory's name.
            var cgroup = Uri.UnescapeDataString(Path.GetFileName(directory).Split('@')[^1]);
            if (Populated(cgroup)) continue;
            Remove(directory);
            swept++;
        }

        return swept;
    }

    internal static string Create(string name, string cgroup)
    {
        // The kernel takes no dot in a name of this file system.
        var directory = Path.Combine(Root, (name + "@" + Uri.EscapeDataString(cgroup)).Replace(".", "%2E", StringComparison.Ordinal));
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(directory);
        return directory;
    }

    internal static void Remove(string directory)
    {
        foreach (var link in Directory.GetFiles(directory)) File.Delete(link);
        Directory.Delete(directory);
    }

    private static bool Populated(string cgroup)
    {
        try
        {
            return File.ReadAllText(Path.Combine(cgroup, "cgroup.events")).Contains("populated 1", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // the cgroup is gone
        }
    }
}
