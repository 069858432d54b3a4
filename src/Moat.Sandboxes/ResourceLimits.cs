using Moat.Linux;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>setrlimit(2) numbers for the limits of a run.</summary>
internal static class ResourceLimits
{
    private static readonly Dictionary<string, int> Numbers = new(StringComparer.Ordinal)
    {
        ["cpu"] = 0,
        ["fsize"] = 1,
        ["data"] = 2,
        ["stack"] = 3,
        ["core"] = 4,
        ["rss"] = 5,
        ["nproc"] = 6,
        ["nofile"] = 7,
        ["memlock"] = 8,
        ["as"] = 9,
        ["locks"] = 10,
        ["sigpending"] = 11,
        ["msgqueue"] = 12,
        ["nice"] = 13,
        ["rtprio"] = 14,
        ["rttime"] = 15,
    };

    /// <summary>
    /// True when RLIMIT_NPROC binds this user: the kernel exempts the host's root, under whatever number it appears inside
    /// (copy_process, INIT_USER). A root of a user namespace is an ordinary user of the host.
    /// </summary>
    public static bool ProcessesHold => Libc.getuid() != 0 || !HostRootIsRoot(File.ReadAllText("/proc/self/uid_map"));

    internal static bool HostRootIsRoot(string map) =>
        map.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Any(fields => fields is ["0", "0", _]);

    /// <summary>Core dumps are off, since a core holds the agent's memory; limits never exceed what Moat itself may set.</summary>
    public static List<(int Resource, ulong Soft, ulong Hard)> Of(LimitsSpec limits)
    {
        var wanted = new Dictionary<int, (ulong Soft, ulong Hard)>
        {
            [4] = (0, 0),
        };
        if (limits.Processes > 0) wanted[6] = ((ulong)limits.Processes, (ulong)limits.Processes);
        if (limits.OpenFiles > 0) wanted[7] = ((ulong)Math.Min(limits.OpenFiles, 1024 * 16), (ulong)limits.OpenFiles);
        foreach (var (name, limit) in limits.Ulimits)
        {
            if (!Numbers.TryGetValue(name, out var number)) throw new MoatException($"there is no ulimit '{name}'", "Known: " + string.Join(", ", Numbers.Keys));
            wanted[number] = (Number(limit.Soft), Number(limit.Hard));
        }

        List<(int, ulong, ulong)> result = [];
        foreach (var (number, (soft, hard)) in wanted)
        {
            var ceiling = Ceiling(number);
            result.Add((number, Math.Min(soft, ceiling), Math.Min(hard, ceiling)));
        }

        return result;
    }

    private static ulong Number(long value) => value < 0 ? ulong.MaxValue : (ulong)value;

    private static unsafe ulong Ceiling(int resource)
    {
        Libc.RLimit now;
        return Libc.getrlimit(resource, &now) == 0 ? now.Hard : ulong.MaxValue;
    }
}
