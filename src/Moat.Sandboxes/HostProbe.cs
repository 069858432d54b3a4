using System.Globalization;
using System.Runtime.InteropServices;
using Moat.Linux;
using Moat.Linux.Confinement;

namespace Moat.Sandboxes;

/// <summary>One line of <c>moat doctor</c>: what was looked at, whether it holds, what was found, and the mend where it does not.</summary>
public sealed record HostCheck(string Name, bool Ok, bool Required, string Detail, string Mend);

/// <summary>Looks at what this host can enforce; changes nothing.</summary>
public static class HostProbe
{
    public static IReadOnlyList<HostCheck> Run() =>
    [
        new("kernel", true, true, RuntimeInformation.OSDescription, ""),
        Bubblewrap(),
        UserNamespaces(),
        LandlockCheck(),
        new("seccomp", Seccomp(), true, Seccomp() ? "filters available" : "no filters", "Boot a kernel with CONFIG_SECCOMP_FILTER."),
        ControlGroups(),
        IPv6(),
    ];

    internal static string UserNamespaceMend()
    {
        if (Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") return "AppArmor forbids it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run moat as root.";
        if (Read("/proc/sys/kernel/unprivileged_userns_clone") == "0") return "Allow it: sudo sysctl kernel.unprivileged_userns_clone=1, or run moat as root.";
        if (Read("/proc/sys/user/max_user_namespaces") == "0") return "Allow it: sudo sysctl user.max_user_namespaces=15000.";
        return "Inside a container give it the right to make user namespaces, or run moat on the host.";
    }

    private static HostCheck Bubblewrap()
    {
        var found = File.Exists("/usr/bin/bwrap") || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(p => File.Exists(Path.Combine(p, "bwrap")));
        return new HostCheck("bubblewrap", found, true, found ? "installed" : "not installed", "sudo apt-get install -y bubblewrap");
    }

    private static HostCheck UserNamespaces()
    {
        var root = Libc.getuid() == 0;
        var forbidden = Read("/proc/sys/user/max_user_namespaces") == "0"
            || (!root && (Read("/proc/sys/kernel/unprivileged_userns_clone") == "0" || Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1"));
        return new HostCheck("user namespaces", !forbidden, true, forbidden ? "forbidden by a sysctl" : root ? "permitted (root)" : "permitted", forbidden ? UserNamespaceMend() : "");
    }

    private static HostCheck LandlockCheck()
    {
        var abi = Landlock.Abi;
        return new HostCheck("landlock", abi > 0, true, abi > 0 ? string.Create(CultureInfo.InvariantCulture, $"ABI {abi}") : "not in this kernel",
            "Boot with lsm=landlock,… or accept its absence for a run: --downgrade landlock");
    }

    private static bool Seccomp() => Read("/proc/sys/kernel/seccomp/actions_avail").Contains("errno", StringComparison.Ordinal);

    private static HostCheck ControlGroups()
    {
        var two = File.Exists("/sys/fs/cgroup/cgroup.controllers");
        var writable = Libc.getuid() == 0 && Directory.Exists("/sys/fs/cgroup");
        return new HostCheck("cgroup limits", writable, false, writable ? (two ? "version 2" : "version 1") : "not writable for this user: memory is not bounded, processes are (RLIMIT_NPROC)",
            "Run as root, or ask for a delegated cgroup.");
    }

    private static HostCheck IPv6()
    {
        var there = File.Exists("/proc/net/if_inet6");
        return new HostCheck("IPv6 capture", there, false, there ? "available" : "the kernel has no IPv6: such connections are refused at once", "");
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Absent on this kernel.
            return "";
        }
    }
}
