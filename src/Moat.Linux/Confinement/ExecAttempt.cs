using System.Collections.Immutable;

namespace Moat.Linux.Confinement;

/// <summary>
/// One execve or execveat as its memory said at the call's entry. Another thread of the process may change that memory
/// before the kernel reads it again, so this is what was asked for, not proof of what ran.
/// </summary>
public sealed record ExecAttempt
{
    /// <summary>The process, as the host numbers it.</summary>
    public required int Pid { get; init; }

    /// <summary>Its parent, as the host numbers it; 0 where it could not be read.</summary>
    public required int ParentPid { get; init; }

    /// <summary>The path as it was given, or for a descriptor what that is open on; bytes that are no UTF-8 become U+FFFD.</summary>
    public required string Path { get; init; }

    /// <summary>What the path led to at that moment, as the sandbox sees it, links followed; empty where nothing was found.</summary>
    public required string File { get; init; }

    /// <summary>The first arguments, <c>argv[0]</c> among them; <see cref="Truncated"/> tells that there were more or longer ones.</summary>
    public required ImmutableArray<string> Arguments { get; init; }

    public required bool Truncated { get; init; }

    /// <summary>The working directory, as the sandbox sees it.</summary>
    public required string Directory { get; init; }
}
