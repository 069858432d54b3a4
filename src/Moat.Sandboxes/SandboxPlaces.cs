using System.Collections.Immutable;
using Moat.Linux;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>What the mounts give in a part of the sandbox's file system.</summary>
public enum SandboxAccess
{
    ReadOnly,
    Write,

    /// <summary>Device nodes that may be written, among which nothing can be made.</summary>
    Devices,
}

/// <summary>A part of the sandbox's file system.</summary>
/// <param name="Path">Where it begins.</param>
/// <param name="Source">The host's path; null for what is made anew.</param>
/// <param name="Access">What its mount gives.</param>
/// <param name="IsKernel">True for what the kernel shows (/proc, /dev).</param>
public sealed record SandboxArea(string Path, string? Source, SandboxAccess Access, bool IsKernel = false);

/// <summary>The sandbox's file system before its agent starts: the same facts that bubblewrap's arguments come from.</summary>
public sealed class SandboxPlaces
{
    private const int MaxLinks = 40, MaxEntries = 20_000;
    private static readonly string[] RootEntries = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
    private readonly ImmutableArray<string> own;

    /// <param name="spec">The run.</param>
    /// <param name="files">Paths of the run's own files (<see cref="SandboxOptions.Files"/>).</param>
    public SandboxPlaces(RunSpec spec, IEnumerable<string> files)
    {
        own = [.. BubblewrapArguments.OwnPaths, .. files];
        List<SandboxArea> areas =
        [
            new("/", null, SandboxAccess.ReadOnly), new("/usr", "/usr", SandboxAccess.ReadOnly), new("/etc", null, SandboxAccess.ReadOnly), new("/.moat", null, SandboxAccess.ReadOnly, true),
            new("/proc", null, SandboxAccess.ReadOnly, true), new("/dev", null, SandboxAccess.Devices, true), new("/dev/shm", null, SandboxAccess.Write, true),
            new("/tmp", null, SandboxAccess.Write), new("/var/tmp", null, SandboxAccess.Write), new("/run", null, SandboxAccess.Write), new(SandboxIdentity.Home, null, SandboxAccess.Write),
        ];
        if (Directory.Exists("/opt")) areas.Add(new("/opt", "/opt", SandboxAccess.ReadOnly));
        areas.AddRange(RootEntries.Where(static name => Directory.Exists("/" + name) && new DirectoryInfo("/" + name).LinkTarget is null).Select(static name => new SandboxArea("/" + name, "/" + name, SandboxAccess.ReadOnly)));
        areas.Add(new(spec.Workspace.Target, spec.Workspace.HostPath, SandboxAccess.Write));
        foreach (var mount in spec.Mounts)
        {
            areas.Add(new(mount.Target, mount.Source, mount.ReadOnly ? SandboxAccess.ReadOnly : SandboxAccess.Write));
            areas.AddRange(mount.Excludes.Select(exclude => new SandboxArea(Path.Combine(mount.Target, exclude), null, SandboxAccess.Write)));
        }

        // A later mount over the same place is the one that is seen.
        Areas = [.. areas.GroupBy(static a => a.Path).Select(static g => g.Last())];
    }

    public ImmutableArray<SandboxArea> Areas { get; }

    /// <summary>The host's path of a path of the sandbox; null where the host has none.</summary>
    public string? HostPath(string path)
    {
        var area = AreaOf(path);
        return area.Source is null ? null : path.Length == area.Path.Length ? area.Source : Path.Join(area.Source, path[area.Path.Length..].TrimStart('/'));
    }

    /// <summary>What is there, links not followed.</summary>
    public (bool Exists, bool Folder) Look(string path)
    {
        if (Areas.FirstOrDefault(a => a.Path == path) is { } area) return (true, area.Source is null || Directory.Exists(area.Source));
        if (own.Contains(path)) return (true, false);
        if (Areas.Any(a => Holds(path, a.Path)) || own.Any(file => Holds(path, file))) return (true, true);
        var host = path.StartsWith("/etc/", StringComparison.Ordinal) && AreaOf(path).Path == "/etc" ? EtcFolder.HostPath(path) : HostPath(path);
        if (host is null) return AreaOf(path).IsKernel ? (true, Directory.Exists(path)) : (false, false);
        return Directory.Exists(host) ? (true, true) : (File.Exists(host) || new FileInfo(host).LinkTarget is not null, false);
    }

    /// <summary>Why a path does not say where its files are, as the end of a sentence; null when it does.</summary>
    public string? Ambiguity(string path)
    {
        if (Resolve(path) is var real && real != path) return real is null ? "leads through too many links" : $"leads through a link to {real}";
        if (HostPath(path) is not { } host || !Path.Exists(host)) return null;
        return Areas.FirstOrDefault(a => a.Source is { } source && a != AreaOf(path) && !Holds(a.Path, path) && (Holds(source, host) || Holds(host, source)) && Seen(a, host)) is { } other
            ? $"is the same as what is mounted at {other.Path}"
            : null;
    }

    /// <summary>A name of the file, or of one in the folder, which may have others elsewhere (hard links); null when there is none.</summary>
    public string? OtherName(string path)
    {
        if (HostPath(path) is not { } host || !Path.Exists(host)) return null;
        if (!Directory.Exists(host)) return FileNames.CountOf(host) > 1 ? path : null;
        var left = MaxEntries;
        foreach (var file in Directory.EnumerateFiles(host, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true }))
        {
            if (--left < 0 || FileNames.CountOf(file) > 1) return path + file[host.Length..];
        }

        return null;
    }

    private static bool Holds(string folder, string path) => path == folder || path.StartsWith(folder == "/" ? "/" : folder + "/", StringComparison.Ordinal);

    // The area shows that very file of the host, no other mount being over it.
    private bool Seen(SandboxArea area, string host)
    {
        if (Holds(host, area.Source!)) return true;
        var path = Path.Join(area.Path, host[area.Source!.Length..]);
        return AreaOf(path) == area;
    }

    private SandboxArea AreaOf(string path) => Areas.Where(a => Holds(a.Path, path)).MaxBy(static a => a.Path.Length)!;

    private string? Resolve(string path)
    {
        var links = 0;
        var done = "";
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (rest.TryPop(out var part))
        {
            if (part is "." or "..")
            {
                if (part == "..") done = done.LastIndexOf('/') is > 0 and var at ? done[..at] : "";
                continue;
            }

            var next = done + "/" + part;
            var target = Link(next);
            if (target is null)
            {
                done = next;
                continue;
            }

            if (++links > MaxLinks) return null;
            if (target.StartsWith('/')) done = "";
            foreach (var piece in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse()) rest.Push(piece);
        }

        return done.Length == 0 ? "/" : done;
    }

    private string? Link(string path)
    {
        if (path == "/var/run") return "/run";
        if (path.LastIndexOf('/') == 0 && RootEntries.Contains(path[1..])) return new DirectoryInfo(path).LinkTarget;
        var host = AreaOf(path).Path == "/etc" ? EtcFolder.HostPath(path) : HostPath(path);
        return host is null ? null : new FileInfo(host).LinkTarget;
    }
}
