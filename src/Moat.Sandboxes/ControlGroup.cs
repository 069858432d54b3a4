using System.Collections.Immutable;
using System.Globalization;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>
/// The cgroups of a run where the host lets Moat make them (root; a delegated subtree), version 2 or 1: made with their
/// limits before the sandbox starts, joined by init before the agent does. For a run that root starts it is what bounds
/// processes at all (<see cref="ResourceLimits.ProcessesHold"/>).
/// </summary>
internal sealed class ControlGroup
{
    private const string DefaultRoot = "/sys/fs/cgroup";
    private const string Parent = "moat";
    private static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(1);
    private readonly RunSpec spec;
    private readonly List<(string Controller, string Folder)> groups = [];
    private readonly HashSet<string> entered = [];
    private string? freezer;

    private ControlGroup(RunSpec spec) => this.spec = spec;

    /// <summary>Limits that hold: <c>cgroup-pids</c> and its like.</summary>
    public ImmutableArray<string> Protections => [.. Wanted.Select(w => w.Controller).Where(Holds).Select(c => "cgroup-" + c)];

    /// <summary>Limits that were asked for and cannot be had.</summary>
    public ImmutableArray<string> Missing => [.. Wanted.Select(w => w.Controller).Where(c => !Holds(c)).Select(c => "cgroup-" + c)];

    private IEnumerable<(string Controller, string File1, string Value1, string File2, string Value2)> Wanted
    {
        get
        {
            var limits = spec.Limits;
            if (limits.Processes > 0) yield return ("pids", "pids.max", Number(limits.Processes), "pids.max", Number(limits.Processes));
            if (limits.MemoryMiB > 0) yield return ("memory", "memory.limit_in_bytes", Number(limits.MemoryMiB << 20), "memory.max", Number(limits.MemoryMiB << 20));
            if (limits.Cpus > 0) yield return ("cpu", "cpu.cfs_quota_us", Number((long)(limits.Cpus * 100_000)), "cpu.max", Number((long)(limits.Cpus * 100_000)) + " 100000");
        }
    }

    /// <summary>
    /// The first move of a process between cgroups waits for every processor of the host (an RCU grace period, some 15 ms
    /// here); a move soon after it does not. This moves Moat to where it is already, so that the wait passes early.
    /// </summary>
    public static void Prime(string root = DefaultRoot)
    {
        if (!File.Exists(root + "/cgroup.controllers")) return; // version 1 needs no move: Enter
        var own = OwnPath(fields => fields.Length == 0);
        var processes = root + own.TrimEnd('/') + "/cgroup.procs";
        // Only into the very group that Moat is in: behind a cgroup namespace the path may be another's.
        if (own.Length > 0 && File.Exists(processes) && Try(() => Contains(processes, Environment.ProcessId))) Try(() => Set(processes, "0"));
    }

    private static void Contains(string processes, int pid)
    {
        if (!File.ReadLines(processes).Contains(Number(pid))) throw new IOException("another group");
    }

    /// <summary>Makes the groups with their limits; what cannot be had is <see cref="Missing"/>.</summary>
    public static ControlGroup Prepare(RunSpec spec, string root = DefaultRoot)
    {
        var group = new ControlGroup(spec);
        if (File.Exists(root + "/cgroup.controllers"))
        {
            group.Version2(root);
            return group;
        }

        foreach (var (controller, file, value, _, _) in group.Wanted) Try(() => group.Make(controller, OwnOrRoot(root, controller), [(file, value)]));

        // No freezer: version 1's holds off even SIGKILL, so that a supervisor's death would leave frozen processes.
        return group;
    }

    /// <summary>
    /// Puts the calling thread, and so what it starts, into the groups of version 1: a thread that moves itself waits for
    /// nobody. What cannot be entered so is left to <see cref="Join"/>.
    /// </summary>
    public void Enter()
    {
        foreach (var (_, folder) in groups)
        {
            if (File.Exists(folder + "/tasks") && Try(() => Set(folder + "/tasks", "0"))) entered.Add(folder);
        }
    }

    /// <summary>Moves init in where it was not born in; all that it starts follows it. A group that refuses is given up and becomes missing.</summary>
    public void Join(int pid)
    {
        foreach (var entry in groups.ToArray())
        {
            if (entered.Contains(entry.Folder)) continue;
            if (pid > 0 && Try(() => Set(Path.Combine(entry.Folder, "cgroup.procs"), Number(pid)))) continue;
            groups.Remove(entry);
            if (freezer?.StartsWith(entry.Folder, StringComparison.Ordinal) == true) freezer = null;
            Try(() => Directory.Delete(entry.Folder));
        }
    }

    public bool TryFreeze() => freezer is not null && Try(() => Set(freezer, "1"));

    public bool TryThaw() => freezer is not null && Try(() => Set(freezer, "0"));

    /// <summary>Removes the groups once their processes are gone; the kernel counts a dying one for a moment longer.</summary>
    public async Task RemoveAsync()
    {
        foreach (var folder in groups.Select(g => g.Folder).Distinct().ToArray())
        {
            for (var attempt = 1; Directory.Exists(folder) && !Try(() => Directory.Delete(folder)) && attempt <= 200; attempt++)
                await Task.Delay(Math.Min(attempt, 20)).ConfigureAwait(false);
        }
    }

    private bool Holds(string controller) => groups.Any(g => g.Controller == controller);

    private void Version2(string root)
    {
        var owner = Delegated(root);
        var parent = Path.Combine(owner, Parent);
        var folder = "";
        if (!Try(() => Freezer(folder = Make("", owner, [])))) return;
        foreach (var (controller, _, _, file, value) in Wanted)
        {
            // One at a time: a controller that this kernel lacks must not take the others with it.
            foreach (var above in (string[])[owner, parent]) Try(() => Set(Path.Combine(above, "cgroup.subtree_control"), "+" + controller));
            var limit = Path.Combine(folder, file);
            if (Try(() => Set(limit, value))) groups.Add((controller, folder));
        }
    }

    private void Freezer(string folder) => freezer = Path.Combine(folder, "cgroup.freeze");

    private string Make(string controller, string owner, (string File, string Value)[] settings)
    {
        // Anything else mounted there (a container's empty tmpfs) would take folders and files, and bound nothing.
        if (!File.Exists(Path.Combine(owner, "cgroup.procs"))) throw new IOException("no cgroup");
        var parent = Path.Combine(owner, Parent);
        Directory.CreateDirectory(parent);
        Sweep(parent);
        var folder = Path.Combine(parent, spec.Id);
        Directory.CreateDirectory(folder);
        if (!settings.All(s => Try(() => Set(Path.Combine(folder, s.File), s.Value))))
        {
            Directory.Delete(folder);
            throw new IOException("the limit cannot be set");
        }

        groups.Add((controller, folder));
        return folder;
    }

    /// <summary>Removes what killed supervisors left; the kernel refuses for a group that is in use, and a new one is spared.</summary>
    private static void Sweep(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent))
        {
            if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > Abandoned) Try(() => Directory.Delete(folder));
        }
    }

    /// <summary>Version 1: beneath Moat's own group, so that limits around Moat hold for its runs too; else the mount's root.</summary>
    private static string OwnOrRoot(string root, string controller)
    {
        var mount = Path.Combine(root, controller);
        var own = OwnPath(fields => fields.Split(',').Contains(controller));
        return own.Length > 0 && Directory.Exists(mount + own) ? mount + own.TrimEnd('/') : mount;
    }

    /// <summary>Version 2: the root for root; for others the highest group above Moat's own that was handed to this user.</summary>
    private static string Delegated(string root)
    {
        var best = root;
        for (var at = root + OwnPath(fields => fields.Length == 0).TrimEnd('/'); at.Length > root.Length; at = Path.GetDirectoryName(at)!)
        {
            if (!Writable(Path.Combine(at, "cgroup.procs"))) break;
            best = at;
        }

        return Writable(Path.Combine(root, "cgroup.procs")) ? root : best;
    }

    private static bool Writable(string path) => Try(() =>
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
    });

    private static string OwnPath(Func<string, bool> hierarchy) =>
        File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)).FirstOrDefault(f => f.Length == 3 && hierarchy(f[1]))?[2] ?? "";

    /// <summary>Never creates the file: a setting that the kernel does not offer is an error.</summary>
    private static void Set(string path, string value)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(value));
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not permitted here; what it was for is reported as missing.
            return false;
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
