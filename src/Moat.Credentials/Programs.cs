namespace Moat.Credentials;

internal static class Programs
{
    /// <summary>The absolute path of an executable on a search path; a relative entry (".") is never searched.</summary>
    internal static string? Find(string name, string searchPath)
        => searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Where(Path.IsPathRooted)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(path => File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}
