namespace Moat.Cli.Output;

internal static class Folders
{
    /// <summary>Bytes of all files under a folder, links not followed; 0 when it is not there.</summary>
    public static long Size(string path) => Directory.Exists(path)
        ? new DirectoryInfo(path).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true }).Sum(file => file.Length)
        : 0;
}
