namespace Moat.Sandboxes;

/// <summary>The files of a run's own on the host: placed before the mounts, which name them, and filled when their content is there.</summary>
internal sealed class RunFiles
{
    private readonly List<(string Path, SandboxFile File)> unfinished = [];

    /// <summary>Makes the file at a path of the host, in place of what is there.</summary>
    public void Place(string path, SandboxFile file)
    {
        File.Delete(path);
        if (file.Content.IsCompletedSuccessfully)
        {
            Write(path, file, file.Content.Result);
            return;
        }

        File.WriteAllBytes(path, []);
        unfinished.Add((path, file));
    }

    /// <summary>Waits for what was still in the making; then every file is whole.</summary>
    public async Task FinishAsync()
    {
        foreach (var (path, file) in unfinished) Write(path, file, await file.Content.ConfigureAwait(false));
    }

    // The same inode: it may be mounted already.
    private static void Write(string path, SandboxFile file, byte[] content)
    {
        File.WriteAllBytes(path, content);
        File.SetUnixFileMode(path, (UnixFileMode)(file.Mode & 0x1ff));
    }
}
