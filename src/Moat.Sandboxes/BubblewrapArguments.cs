using System.Text;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>The mounts and namespaces of a run as bubblewrap's arguments; also lays the run's own files out on the host.</summary>
internal static class BubblewrapArguments
{
    private const string InitInside = "/.moat/init";

    /// <summary>Files that every sandbox has of Moat's own.</summary>
    public static IEnumerable<string> OwnPaths => OwnFiles().Select(static file => file.Path);

    public static List<string> Build(SandboxOptions options, RunFiles own)
    {
        var spec = options.Spec;
        List<string> a =
        [
            "--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--die-with-parent", "--as-pid-1", "--info-fd", "4", "--clearenv", "--hostname", "moat",

            // Held by init alone: routes, the low ports, and the map of the agent's own user namespace (CAP_SETFCAP, since 5.12).
            "--cap-drop", "ALL", "--cap-add", "CAP_NET_ADMIN", "--cap-add", "CAP_NET_BIND_SERVICE", "--cap-add", "CAP_SETFCAP",
            "--ro-bind", "/usr", "/usr",
        ];
        foreach (var name in (string[])["bin", "sbin", "lib", "lib32", "lib64", "libx32"]) RootEntry(a, name);
        if (Directory.Exists("/opt")) a.AddRange(["--ro-bind", "/opt", "/opt"]);
        a.AddRange(["--proc", "/proc", "--dev", "/dev"]);
        Kernel(a);
        foreach (var folder in (string[])["/tmp", "/var/tmp", "/run", SandboxIdentity.Home]) a.AddRange(["--perms", folder is "/tmp" or "/var/tmp" ? "1777" : "0755", "--tmpfs", folder]);
        a.AddRange(["--symlink", "/run", "/var/run"]);
        var files = Path.Combine(options.StateDirectory, "files");
        Directory.CreateDirectory(files, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var etc = new EtcFolder(Path.Combine(files, "etc"), own);
        List<string> over = [];
        foreach (var file in (IEnumerable<SandboxFile>)[.. OwnFiles(), .. options.Files])
        {
            if (etc.TryPlace(file)) continue;
            var host = Path.Combine(files, over.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
            own.Place(host, file);
            over.AddRange(["--ro-bind", host, file.Path]);
        }

        a.AddRange(etc.Arguments);
        Workspace(a, spec);
        a.AddRange(over);
        Fence(a, options, files);
        a.AddRange(["--ro-bind", options.InitPath, InitInside, "--remount-ro", "/", "--chdir", "/", "--", InitInside]);
        return a;
    }

    /// <summary>/bin and its like: a link where the host has a link (merged /usr), otherwise the folder itself.</summary>
    private static void RootEntry(List<string> a, string name)
    {
        var info = new DirectoryInfo("/" + name);
        if (info.LinkTarget is { } target) a.AddRange(["--symlink", target, "/" + name]);
        else if (info.Exists) a.AddRange(["--ro-bind", "/" + name, "/" + name]);
    }

    /// <summary>
    /// What /proc offers beside processes. /proc/sys belongs to the user number 0 of the host, namespaces or not: a Moat
    /// that root started would leave core_pattern writable without the read-only mount. (irq and bus are bubblewrap's own.)
    /// </summary>
    private static void Kernel(List<string> a)
    {
        foreach (var name in (string[])["sys", "fs", "acpi", "scsi", "asound"])
        {
            if (Directory.Exists("/proc/" + name)) a.AddRange(["--ro-bind", "/proc/" + name, "/proc/" + name]);
        }

        foreach (var name in (string[])["sysrq-trigger", "kcore", "keys", "key-users", "kmsg", "timer_list", "sched_debug", "latency_stats", "kpagecount", "kpageflags", "kallsyms", "slabinfo"])
        {
            if (File.Exists("/proc/" + name)) a.AddRange(["--ro-bind", "/dev/null", "/proc/" + name]);
        }
    }

    private static void Workspace(List<string> a, RunSpec spec)
    {
        a.AddRange(["--bind", spec.Workspace.HostPath, spec.Workspace.Target]);
        foreach (var mount in spec.Mounts)
        {
            a.AddRange([mount.ReadOnly ? "--ro-bind" : "--bind", mount.Source, mount.Target]);
            foreach (var exclude in mount.Excludes) a.AddRange(["--tmpfs", Path.Combine(mount.Target, exclude)]);
        }
    }

    /// <summary>What a policy takes away: folders that stay where they are first, then masks over what is in them.</summary>
    private static void Fence(List<string> a, SandboxOptions options, string files)
    {
        if (options.Fence is not { } fence) return;
        var places = new SandboxPlaces(options.Spec, options.Files.Select(static file => file.Path));
        foreach (var pin in fence.Pins) a.AddRange(["--bind", places.HostPath(pin) ?? throw new IOException(pin + " is no place of the host"), pin]);
        foreach (var (path, hidden) in fence.Masks)
        {
            if (!hidden)
            {
                a.AddRange(["--ro-bind", places.HostPath(path) ?? throw new IOException(path + " is no place of the host"), path]);
            }
            else if (places.Look(path).Folder)
            {
                a.AddRange(["--perms", "0000", "--tmpfs", path, "--remount-ro", path]);
            }
            else
            {
                var nothing = Path.Combine(files, "nothing");
                if (!File.Exists(nothing)) File.WriteAllBytes(nothing, []);
                File.SetUnixFileMode(nothing, UnixFileMode.None);
                a.AddRange(["--ro-bind", nothing, path]);
            }
        }
    }

    private static IEnumerable<SandboxFile> OwnFiles()
    {
        var (uid, gid) = SandboxIdentity.Inner;
        static SandboxFile Text(string path, string content) => new(path, Encoding.UTF8.GetBytes(content));
        yield return Text("/etc/passwd", $"root:x:0:0:root:/root:/usr/sbin/nologin\n{SandboxIdentity.User}:x:{uid}:{gid}:agent:{SandboxIdentity.Home}:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
        yield return Text("/etc/group", $"root:x:0:\n{SandboxIdentity.User}:x:{gid}:\nnogroup:x:65534:\n");
        yield return Text("/etc/hosts", "127.0.0.1 localhost moat\n::1 localhost\n");
        yield return Text("/etc/hostname", "moat\n");
        yield return Text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n");
        yield return Text("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n");
    }
}
