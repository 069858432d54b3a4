using System.Collections.Immutable;
using Moat.Linux.Confinement;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>
/// A file that the sandbox sees read-only at <paramref name="Path"/>, in place of the host's where there is one. Its
/// content may still be in the making: the mounts do not wait for it, the agent does.
/// </summary>
public sealed record SandboxFile(string Path, Task<byte[]> Content, int Mode = 0x1A4)
{
    public SandboxFile(string path, byte[] content, int mode = 0x1A4)
        : this(path, Task.FromResult(content), mode)
    {
    }
}

/// <summary>What a backend needs beside the run's spec.</summary>
public sealed record SandboxOptions
{
    public required RunSpec Spec { get; init; }

    /// <summary>A folder of the host that belongs to this run alone, mode 0700; the sandbox's own files are laid out in it.</summary>
    public required string StateDirectory { get; init; }

    public ImmutableArray<SandboxFile> Files { get; init; } = [];

    /// <summary>True: the sandbox has an ssh-agent, and its port 22 is captured.</summary>
    public bool Ssh { get; init; }

    /// <summary>The whole environment of the agent; nothing of the host's is added.</summary>
    public required IReadOnlyDictionary<string, string> Env { get; init; }

    /// <summary>Ports of TCP that are listened on beside the usual ones, on every address; at most 32, none twice.</summary>
    public ImmutableArray<int> ExtraPorts { get; init; } = [];

    /// <summary>What a policy leaves of the file system; null without one, and then Landlock allows what the mounts do.</summary>
    public FileFence? Fence { get; init; }

    /// <summary>
    /// Hears of each exec before it happens, on a thread of its own for each started command; what it throws refuses that exec
    /// (EPERM). Without one, exec is not held up for longer than it takes to look.
    /// </summary>
    public Action<ExecAttempt>? OnExec { get; init; }

    /// <summary>The static <c>moat-init</c>.</summary>
    public required string InitPath { get; init; }
}

/// <summary>A policy over files as the sandbox holds it.</summary>
/// <param name="Grants">What Landlock allows at a path and below it; nothing else is allowed but to list folders.</param>
/// <param name="Masks">Files and folders that are mounted over, parents first: hidden, or read-only.</param>
/// <param name="Pins">Folders mounted over themselves, so that they stay where they are; parents first.</param>
public sealed record FileFence(ImmutableArray<(string Path, LandlockUse Use)> Grants, ImmutableArray<(string Path, bool Hidden)> Masks, ImmutableArray<string> Pins);

/// <summary>Rows and columns of a terminal.</summary>
public readonly record struct TerminalSize(int Rows, int Columns);
