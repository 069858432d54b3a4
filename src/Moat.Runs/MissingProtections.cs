namespace Moat.Runs;

/// <summary>What the person is told at the start of a run that this host cannot fence in every way.</summary>
internal static class MissingProtections
{
    /// <summary>A line for each; none where something else bounds the same.</summary>
    public static IEnumerable<string> Lines(IEnumerable<string> missing, IReadOnlyCollection<string> held) =>
        missing.Where(name => name != "cgroup-pids" || !held.Contains("rlimit-processes")).Select(Line);

    /// <param name="name">As the sandbox reports it and the audit log records it.</param>
    private static string Line(string name)
    {
        var means = name switch
        {
            "landlock" => "only the mounts say what the agent may write to",
            "landlock-ioctl" => "this kernel does not fence ioctl on devices",
            "landlock-scopes" => "this kernel fences abstract sockets and signals by namespaces alone",
            "cgroup-memory" => "the agent may use up this machine's memory",
            "cgroup-cpu" => "the agent may use up this machine's processors",
            "cgroup-pids" => "the agent may use up this machine's processes",
            "exec-observation" => "no exec is recorded",
            "ipv6" => "nothing inside speaks IPv6",
            _ => "this host cannot give it",
        };
        return $"moat: without {name}: {means} (moat doctor)";
    }
}
