using System.Diagnostics;
using System.Globalization;
using Moat.Linux.Confinement;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>One line of <c>moat doctor</c>: what was looked at, whether it holds, what was found, and the mend where it does not.</summary>
public sealed record HostCheck(string Name, bool Ok, bool Required, string Detail, string Mend);

/// <summary>Looks at what this host can enforce, by trying it where that leaves nothing behind.</summary>
public static class HostProbe
{
    public static IReadOnlyList<HostCheck> Run() =>
    [
        Kernel(),
        Bubblewrap(),
        UserNamespaces(),
        LandlockCheck(),
        new("seccomp", Seccomp(), true, Seccomp() ? "filters available" : "no filters", "Boot a kernel with CONFIG_SECCOMP_FILTER."),
        ControlGroups(),
        Tracing(),
        IPv6(),
    ];

    internal static string UserNamespaceMend()
    {
        if (Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") return "AppArmor forbids it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run moat as root.";
        if (Read("/proc/sys/kernel/unprivileged_userns_clone") == "0") return "Allow it: sudo sysctl kernel.unprivileged_userns_clone=1, or run moat as root.";
        if (Read("/proc/sys/user/max_user_namespaces") == "0") return "Allow it: sudo sysctl user.max_user_namespaces=15000.";
        return "Inside a container give it the right to make user namespaces, or run moat on the host.";
    }

    private static HostCheck Kernel()
    {
        var release = Read("/proc/sys/kernel/osrelease");

        // close_range with its flag (5.11) and an ordinary user's own CAP_SETFCAP over a namespace (5.12) are what init needs.
        var numbers = release.Split('.', '-', '+').Take(2).Select(n => int.TryParse(n, CultureInfo.InvariantCulture, out var number) ? number : 0).ToArray();
        var enough = numbers is [> 5, _] or [5, >= 12];
        return new HostCheck("kernel", enough, true, "Linux " + release, enough ? "" : "Boot Linux 5.12 or later; 6.12 gives every protection.");
    }

    private static HostCheck Bubblewrap()
    {
        const string Mend = "sudo apt-get install -y bubblewrap";
        if (Sandboxes.Bubblewrap.TryFind() is not { } program) return new HostCheck("bubblewrap", false, true, "not installed", Mend);
        var (code, text) = Try(program, "--version");
        return new HostCheck("bubblewrap", code == 0, true, code == 0 ? text.Replace("bubblewrap ", "", StringComparison.Ordinal) + " at " + program : "cannot be run: " + text, Mend);
    }

    /// <summary>A sysctl tells only some of the refusals (AppArmor, a container's filter, a limit used up): bubblewrap tells all.</summary>
    private static HostCheck UserNamespaces()
    {
        if (Sandboxes.Bubblewrap.TryFind() is not { } program) return new HostCheck("user namespaces", false, true, "cannot be tried without bubblewrap", "sudo apt-get install -y bubblewrap");
        var (code, text) = Try(program, "--unshare-user", "--unshare-net", "--unshare-pid", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--", "/bin/true");
        return new HostCheck("user namespaces", code == 0, true, code == 0 ? "tried: permitted" : "tried: " + text, code == 0 ? "" : UserNamespaceMend());
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
        var group = ControlGroup.Prepare(new RunSpec
        {
            Id = "probe-" + Guid.NewGuid().ToString("n"),
            Name = "probe",
            Command = ["true"],
            Interactive = false,
            Workspace = new WorkspaceSpec("/"),
            Network = new NetworkSpec { Mode = NetworkMode.Strict },
            Limits = new LimitsSpec { Processes = 100, MemoryMiB = 100, Cpus = 1 },
            CreatedAt = DateTimeOffset.UnixEpoch,
        });
        var (held, missing) = (group.Protections, group.Missing);
        group.RemoveAsync().GetAwaiter().GetResult();
        var bounded = ResourceLimits.ProcessesHold ? "; processes are bounded by a resource limit" : "";
        var version = File.Exists("/sys/fs/cgroup/cgroup.controllers") ? "version 2" : "version 1";

        // For an ordinary user a comfort, for root what bounds processes at all.
        var needed = !ResourceLimits.ProcessesHold;
        if (missing.IsEmpty) return new HostCheck("cgroup limits", true, needed, "tried: " + version, "");
        return new HostCheck("cgroup limits", false, needed && missing.Contains("cgroup-pids"), $"tried: {version}, cannot set {string.Join(", ", missing)}{(held.IsEmpty ? "" : ", can set " + string.Join(", ", held))}{bounded}",
            needed ? "Make the cgroup file system writable, or run moat as an ordinary user." : "Run moat where a cgroup is delegated: systemd-run --user --scope -p Delegate=yes moat …");
    }

    private static HostCheck Tracing()
    {
        var scope = Read("/proc/sys/kernel/yama/ptrace_scope");
        return new HostCheck("ptrace scope", scope is not ("" or "0"), false, scope.Length == 0 ? "no Yama: programs of this user outside a sandbox may read Moat's memory" : "kernel.yama.ptrace_scope = " + scope,
            scope == "0" ? "sudo sysctl kernel.yama.ptrace_scope=1" : "Boot with lsm=…,yama.");
    }

    private static HostCheck IPv6()
    {
        var there = File.Exists("/proc/net/if_inet6");
        return new HostCheck("IPv6 capture", there, false, there ? "available" : "the kernel has no IPv6: such connections are refused at once", "");
    }

    /// <summary>Runs a harmless program for at most five seconds.</summary>
    private static (int Code, string Text) Try(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true });
            if (process is null) return (-1, "it does not start");
            if (!process.WaitForExit(TimeSpan.FromSeconds(5)))
            {
                process.Kill(entireProcessTree: true);
                return (-1, "no answer within five seconds");
            }

            return (process.ExitCode, (process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd()).Trim());
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return (-1, error.Message);
        }
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
