using System.Collections.Immutable;

namespace Moat.Policy;

/// <summary>A file or folder that is mounted over, so that what is allowed around it does not reach it.</summary>
/// <param name="Hidden">True: nothing of it can be opened; false: it is read-only.</param>
public sealed record FileMask(string Path, bool Hidden);

/// <summary>
/// A policy over files and programs as the kernel can hold it without privileges: what Landlock grants at a path and below
/// it, masks over what must not be reached, and folders that are mounts of themselves so that they cannot be moved away.
/// </summary>
public sealed record KernelRules
{
    public required ImmutableArray<(string Path, FileRights Rights)> Grants { get; init; }

    public required ImmutableArray<FileMask> Masks { get; init; }

    /// <summary>Parents before what is in them.</summary>
    public required ImmutableArray<string> Pins { get; init; }

    /// <summary>The names of the actions that are held.</summary>
    public required ImmutableArray<string> Actions { get; init; }

    internal Func<string, Cedar.Policy?> RefusesExec { private get; init; } = static _ => null;

    internal string FileName { private get; init; } = "";

    /// <summary>The statement for which the kernel refuses to run a file; null when the rules let it run. For any number of threads.</summary>
    public string? ExecDenial(string path) => RefusesExec(path) is { } policy ? PolicyFile.RuleName(policy, FileName) : null;
}
