namespace Moat.Runs;

/// <summary>One line of <c>moat trace --exec</c>: a program that a process of the agent was about to run, as seen at the call's entry.</summary>
public sealed record ExecEntry
{
    /// <summary>Number of the record.</summary>
    public required long Seq { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>The process and its parent, as the host numbers them.</summary>
    public required long Pid { get; init; }

    public required long ParentPid { get; init; }

    /// <summary>False: the kernel's rules refuse it.</summary>
    public required bool Allowed { get; init; }

    /// <summary>The statement that refuses it; otherwise empty.</summary>
    public string Rule { get; init; } = "";

    /// <summary>As it was given.</summary>
    public required string Path { get; init; }

    /// <summary>What the path led to inside the sandbox; empty where nothing was there.</summary>
    public required string File { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>True: there were more arguments, or longer ones.</summary>
    public bool Truncated { get; init; }

    public required string Directory { get; init; }
}
