namespace Moat.Sandboxes;

/// <summary>
/// The sandbox's /etc, laid out as one folder and mounted read-only at once: bubblewrap reads the whole mount table for
/// each mount, so thirty small ones cost more than all the rest of a start.
/// </summary>
internal sealed class EtcFolder
{
    /// <summary>What programs need of the host's /etc; never its accounts' secrets, keys, host names or service configuration.</summary>
    private static readonly string[] Copied =
    [
        "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl/openssl.cnf", "localtime", "timezone", "mime.types", "protocols", "services", "rpc", "inputrc",
        "bash.bashrc", "bash_completion", "profile", "os-release", "debian_version", "magic", "mailcap", "manpath.config", "nanorc",
    ];

    private static readonly string[] Mounted =
    [
        "alternatives", "ssl/certs", "pki/tls/certs", "ca-certificates", "terminfo", "fonts", "java-17-openjdk", "java-21-openjdk", "python3", "perl", "vim", "crypto-policies",
    ];

    private readonly string root;
    private readonly RunFiles files;
    private readonly List<string> later = [];

    public EtcFolder(string root, RunFiles files)
    {
        this.root = root;
        this.files = files;
        Directory.CreateDirectory(root);
        foreach (var entry in Copied) Copy("/etc/" + entry, Path.Combine(root, entry));
        foreach (var entry in Mounted)
        {
            if (!Directory.Exists("/etc/" + entry)) continue;
            Directory.CreateDirectory(Path.Combine(root, entry));
            later.AddRange(["--ro-bind", "/etc/" + entry, "/etc/" + entry]);
        }
    }

    /// <summary>The host's path of what is copied or mounted at a path below /etc; null where nothing of the host's is.</summary>
    public static string? HostPath(string path) =>
        Copied.Concat(Mounted).Select(static entry => "/etc/" + entry).Any(entry => path == entry || path.StartsWith(entry + "/", StringComparison.Ordinal) || entry.StartsWith(path + "/", StringComparison.Ordinal)) ? path : null;

    /// <summary>bubblewrap's arguments for the folder and what is mounted inside it.</summary>
    public IEnumerable<string> Arguments => ["--ro-bind", root, "/etc", .. later];

    /// <summary>Places a file of the run's own. False where it belongs over a file of a mounted folder, which needs a mount.</summary>
    public bool TryPlace(SandboxFile file)
    {
        if (!file.Path.StartsWith("/etc/", StringComparison.Ordinal) || Path.GetFullPath(file.Path) != file.Path) return false;
        var name = file.Path["/etc/".Length..];
        if (Mounted.Any(m => name.StartsWith(m + "/", StringComparison.Ordinal))) return false;
        var path = Path.Combine(root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        files.Place(path, file);
        return true;
    }

    private static void Copy(string from, string to)
    {
        var info = new FileInfo(from);
        try
        {
            if (info.LinkTarget is { } target)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.CreateSymbolicLink(to, target);
            }
            else if (info.Exists)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(from, to);
            }
            else if (Directory.Exists(from))
            {
                foreach (var entry in Directory.EnumerateFileSystemEntries(from)) Copy(entry, Path.Combine(to, Path.GetFileName(entry)));
            }
        }
        catch (UnauthorizedAccessException)
        {
            // Not for this user to read, so not for the agent either.
        }
    }
}
