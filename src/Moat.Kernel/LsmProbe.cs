using Moat.Kernel.Lsm;
using Moat.Spec;

namespace Moat.Kernel;

/// <summary>Whether this host takes rung 1: the programs loaded and let go again, or the reason why not and the mend.</summary>
public sealed record LsmProbe(bool Available, string Detail, string Mend)
{
    private const string Modules = "/sys/kernel/security/lsm";

    /// <summary>Leaves nothing behind.</summary>
    public static LsmProbe Run()
    {
        if (!File.Exists("/sys/kernel/btf/vmlinux")) return new LsmProbe(false, "this kernel tells no types", "Boot a kernel with CONFIG_DEBUG_INFO_BTF.");
        if (!Environment.IsPrivilegedProcess) return new LsmProbe(false, "needs root", "Run moat as root to use it.");
        if (ReadModules() is { } modules && !modules.Split(',').Contains("bpf")) return new LsmProbe(false, "the kernel runs " + modules, "Boot with lsm=" + modules + ",bpf");
        if (!File.Exists("/sys/fs/cgroup/cgroup.controllers") && !File.Exists("/sys/fs/cgroup/unified/cgroup.procs")) return new LsmProbe(false, "no cgroup version 2", "Mount cgroup version 2 at /sys/fs/cgroup.");
        try
        {
            using var programs = LsmObject.Load();
            programs.AttachResolver();
            return new LsmProbe(true, "programs tried: accepted", "");
        }
        catch (MoatException e)
        {
            return new LsmProbe(false, "programs tried: " + e.Message, e.Mend);
        }
    }

    private static string? ReadModules()
    {
        try
        {
            return File.ReadAllText(Modules).Trim();
        }
        catch (IOException)
        {
            return null; // securityfs is not mounted; trying the programs tells
        }
    }
}
