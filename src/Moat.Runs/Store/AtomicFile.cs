namespace Moat.Runs;

/// <summary>A private file that a reader sees whole, in its old or its new form.</summary>
internal static class AtomicFile
{
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var next = path + ".new";
        using (var file = new FileStream(next, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.None,
            UnixCreateMode = RunFolder.PrivateFile,
            BufferSize = 0,
        }))
        {
            file.Write(content);
        }

        File.Move(next, path, overwrite: true);
    }
}
