namespace Moat.Runs;

/// <summary>
/// An advisory lock that dies with its holder. .NET's <see cref="FileShare"/> is flock(2) on Linux: None is an exclusive
/// lock, Read a shared one, both without waiting.
/// </summary>
internal sealed class LockFile : IDisposable
{
    private readonly FileStream _file;

    private LockFile(FileStream file) => _file = file;

    /// <summary>Takes the lock and notes its holder in the file; null when somebody else has it.</summary>
    public static LockFile? TryTake(string path, string holder)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = RunFolder.PrivateFile,
                BufferSize = 0,
            });
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException))
        {
            return null;
        }

        file.SetLength(0);
        file.Write(System.Text.Encoding.UTF8.GetBytes(holder));
        return new LockFile(file);
    }

    /// <summary>Who took the lock last; empty when that cannot be told. The lock itself does not stand in the way.</summary>
    public static string Holder(string path)
    {
        try
        {
            // Not File.Open: .NET would ask for a lock of its own first.
            using var handle = new FileStream(Native.OpenToRead(path), FileAccess.Read, 0);
            Span<byte> text = stackalloc byte[64];
            return System.Text.Encoding.UTF8.GetString(text[..handle.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)]);
        }
        catch (IOException)
        {
            return "";
        }
    }

    public static bool IsHeld(string path)
    {
        try
        {
            // A shared look: two listings at once do not take each other for a supervisor.
            using var look = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void Dispose() => _file.Dispose();
}
