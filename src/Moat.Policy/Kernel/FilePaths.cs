namespace Moat.Policy;

/// <summary>Absolute paths as policies write them.</summary>
internal static class FilePaths
{
    /// <summary>True for a path that has one spelling: from the root, no empty part, no dots, no slash at its end.</summary>
    public static bool IsCanonical(string path) =>
        path == "/" || (path.StartsWith('/') && !path.Contains('\0', StringComparison.Ordinal) && path[1..].Split('/').All(static part => part is not ("" or "." or "..")));

    /// <summary>True when the path is the folder itself or below it.</summary>
    public static bool Holds(string folder, string path) =>
        folder == "/" || path == folder || (path.Length > folder.Length && path[folder.Length] == '/' && path.StartsWith(folder, StringComparison.Ordinal));

    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and var at ? path[..at] : "/";

    /// <summary>The path and every folder above it, the root last.</summary>
    public static IEnumerable<string> Up(string path)
    {
        for (; path != "/"; path = Parent(path)) yield return path;
        yield return "/";
    }
}
