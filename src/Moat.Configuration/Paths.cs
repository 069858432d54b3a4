namespace Moat.Configuration;

/// <summary>Paths of the host, compared after links were resolved.</summary>
internal static class Paths
{
    private const int MaxLinks = 40;

    /// <summary>True when <paramref name="path"/> is <paramref name="folder"/> or lies below it; both absolute and normal.</summary>
    public static bool IsWithin(string path, string folder)
        => folder == "/" || path == folder || (path.StartsWith(folder, StringComparison.Ordinal) && path[folder.Length] == '/');

    /// <summary>
    /// The path with every link resolved; the part that does not exist stays as it is. Null when links go in a circle.
    /// </summary>
    public static string? Real(string path) => Resolve(path, null, out _);

    /// <summary>
    /// True when the path is in the folder, or any link on the way to it is: whoever can write there decides where it
    /// leads. Also true when links go in a circle.
    /// </summary>
    public static bool Passes(string path, string folder) => Resolve(path, folder, out var passed) is null || passed;

    private static string? Resolve(string path, string? folder, out bool passed)
    {
        passed = false;
        var links = 0;
        var done = "/";
        var left = new Stack<string>(Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        while (left.TryPop(out var part))
        {
            if (part == ".") continue;
            if (part == "..")
            {
                done = Path.GetDirectoryName(done) ?? "/";
                continue;
            }
            var next = Path.Combine(done, part);
            passed |= folder is not null && IsWithin(next, folder);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                done = next;
                continue;
            }
            if (++links > MaxLinks) return null;
            if (Path.IsPathRooted(target)) done = "/";
            foreach (var piece in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse()) left.Push(piece);
        }
        return done;
    }
}
