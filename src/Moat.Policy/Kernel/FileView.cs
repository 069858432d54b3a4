using System.Collections.Immutable;

namespace Moat.Policy;

/// <summary>What is at a path of the sandbox when it starts.</summary>
public enum PlaceKind
{
    Absent,
    File,
    Folder,
}

/// <summary>A part of the sandbox's file system in which the mounts give the same rights throughout.</summary>
/// <param name="Path">Where it begins; every path below it belongs to it, up to the next area.</param>
/// <param name="Base">What the sandbox itself gives; a policy can only take from it.</param>
/// <param name="Fixed">True: it is the kernel's (/proc, /dev), and nothing can be mounted over a part of it.</param>
public sealed record FileArea(string Path, FileRights Base, bool Fixed = false);

/// <summary>The file system of a sandbox before its agent starts, as far as a policy needs it.</summary>
public sealed record FileView
{
    /// <summary>Every area, <c>/</c> among them.</summary>
    public required ImmutableArray<FileArea> Areas { get; init; }

    /// <summary>What is at an absolute path, links not followed.</summary>
    public required Func<string, PlaceKind> Kind { get; init; }

    /// <summary>Why a path does not say where its files are (a link, a second mount), as the end of a sentence; null when it does.</summary>
    public required Func<string, string?> Ambiguity { get; init; }

    /// <summary>The path of a file, at or below a path, that may have another name elsewhere (a hard link); null when there is none.</summary>
    public required Func<string, string?> OtherName { get; init; }

    internal FileArea AreaOf(string path) => Areas.Where(a => FilePaths.Holds(a.Path, path)).MaxBy(static a => a.Path.Length)!;
}
