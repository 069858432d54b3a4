using System.Collections.Immutable;
using System.Globalization;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>
/// A cgroup of the run's own where the host lets Moat make one (root; a delegated subtree), version 2 or 1. As root it is
/// what bounds processes at all, since RLIMIT_NPROC does not hold for the initial user.
/// </summary>
internal sealed class ControlGroup
{
    private const string Root = "/sys/fs/cgroup";
    private readonly ImmutableArray<string> folders;
    private readonly string? freezer;
    private readonly string freeze;
    private readonly string thaw;

    private ControlGroup(ImmutableArray<string> folders, string? freezer, string freeze, string thaw, ImmutableArray<string> protections)
    {
        this.folders = folders;
        this.freezer = freezer;
        this.freeze = freeze;
        this.thaw = thaw;
        Protections = protections;
    }

    public ImmutableArray<string> Protections { get; }

    /// <param name="spec">Whose limits.</param>
    /// <param name="pid">init's pid on the host; all it starts follows it.</param>
    /// <returns>Null where no cgroup can be made.</returns>
    public static ControlGroup? TryCreate(RunSpec spec, int pid)
    {
        if (pid == 0) return null;
        try
        {
            return File.Exists(Root + "/cgroup.controllers") ? Version2(spec, pid) : Version1(spec, pid);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not writable for this user: the caller reports the protection as missing.
            return null;
        }
    }

    public bool TryFreeze() => TrySet(freeze);

    public bool TryThaw() => TrySet(thaw);

    public void Remove()
    {
        foreach (var folder in folders)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (IOException)
            {
                // The kernel still counts a dying process; an empty cgroup costs nothing and 'moat clean' takes it.
            }
        }
    }

    private static ControlGroup Version2(RunSpec spec, int pid)
    {
        var folder = Path.Combine(Root, "moat-" + spec.Id);
        Directory.CreateDirectory(folder);
        List<string> protections = [];
        if (TryWrite(folder, "pids.max", Number(spec.Limits.Processes))) protections.Add("cgroup-pids");
        if (spec.Limits.MemoryMiB > 0 && TryWrite(folder, "memory.max", Number(spec.Limits.MemoryMiB << 20))) protections.Add("cgroup-memory");
        if (spec.Limits.Cpus > 0 && TryWrite(folder, "cpu.max", Number((long)(spec.Limits.Cpus * 100_000)) + " 100000")) protections.Add("cgroup-cpu");
        File.WriteAllText(Path.Combine(folder, "cgroup.procs"), Number(pid));
        return new ControlGroup([folder], Path.Combine(folder, "cgroup.freeze"), "1", "0", [.. protections]);
    }

    private static ControlGroup? Version1(RunSpec spec, int pid)
    {
        List<string> folders = [];
        List<string> protections = [];
        void Join(string controller, string file, string? value)
        {
            if (value is null || !Directory.Exists(Path.Combine(Root, controller))) return;
            var folder = Path.Combine(Root, controller, "moat-" + spec.Id);
            Directory.CreateDirectory(folder);
            folders.Add(folder);
            if (value.Length > 0 && !TryWrite(folder, file, value)) return;
            File.WriteAllText(Path.Combine(folder, "cgroup.procs"), Number(pid));
            if (value.Length > 0) protections.Add("cgroup-" + controller);
        }

        Join("pids", "pids.max", Number(spec.Limits.Processes));
        Join("memory", "memory.limit_in_bytes", spec.Limits.MemoryMiB > 0 ? Number(spec.Limits.MemoryMiB << 20) : null);
        Join("cpu", "cpu.cfs_quota_us", spec.Limits.Cpus > 0 ? Number((long)(spec.Limits.Cpus * 100_000)) : null);
        Join("freezer", "freezer.state", "");
        if (folders.Count == 0) return null;
        var freezerFolder = folders.FirstOrDefault(f => f.Contains("/freezer/", StringComparison.Ordinal));
        return new ControlGroup([.. folders], freezerFolder is null ? null : Path.Combine(freezerFolder, "freezer.state"), "FROZEN", "THAWED", [.. protections]);
    }

    private bool TrySet(string state)
    {
        if (freezer is null) return false;
        try
        {
            File.WriteAllText(freezer, state);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The caller falls back to signals.
            return false;
        }
    }

    private static bool TryWrite(string folder, string file, string value)
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path)) return false;
        File.WriteAllText(path, value);
        return true;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
