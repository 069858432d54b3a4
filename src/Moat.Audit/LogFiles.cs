using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Moat.Audit;

/// <summary>The files of one log: records, checkpoints, public key.</summary>
internal sealed class LogFiles : IDisposable
{
    private readonly FileStream _records;
    private readonly FileStream _checkpoints;
    // Each FileStream.SafeFileHandle asks the kernel for the position, which nobody here needs.
    private readonly SafeFileHandle _recordsHandle;
    private long _length;
    private long _checkpointsLength;

    private LogFiles(FileStream records, FileStream checkpoints)
    {
        _records = records;
        _recordsHandle = records.SafeFileHandle;
        _checkpoints = checkpoints;
    }

    public static string CheckpointsOf(string path) => path + ".checkpoints";

    public static string KeyOf(string path) => path + ".vkey";

    public static LogFiles Create(string path, string publicKey)
    {
        var records = New(path);
        try
        {
            var checkpoints = New(CheckpointsOf(path));
            using (var key = New(KeyOf(path)))
                RandomAccess.Write(key.SafeFileHandle, Encoding.UTF8.GetBytes(publicKey + "\n"), 0);
            return new LogFiles(records, checkpoints);
        }
        catch (IOException)
        {
            records.Dispose();
            throw;
        }
    }

    /// <summary>Appends whole lines. If that fails, the file is cut back to the last whole line before.</summary>
    public void WriteRecords(ReadOnlySpan<byte> lines)
    {
        try
        {
            RandomAccess.Write(_recordsHandle, lines, _length);
            _length += lines.Length;
        }
        catch (Exception)
        {
            CutBack(_records, _length);
            throw;
        }
    }

    public void SyncRecords() => Native.DataSync(_recordsHandle);

    /// <summary>Appends one note and a blank line, synced.</summary>
    public void WriteCheckpoint(string note)
    {
        try
        {
            var bytes = Encoding.UTF8.GetBytes(note + "\n");
            RandomAccess.Write(_checkpoints.SafeFileHandle, bytes, _checkpointsLength);
            _checkpointsLength += bytes.Length;
            Native.DataSync(_checkpoints.SafeFileHandle);
        }
        catch (Exception)
        {
            CutBack(_checkpoints, _checkpointsLength);
            throw;
        }
    }

    /// <summary>Replaces the witness with this note. A power cut may leave an older one, which is still true.</summary>
    public static void WriteWitness(string path, string note)
    {
        var next = path + ".new";
        File.Delete(next);
        using (var file = New(next))
            RandomAccess.Write(file.SafeFileHandle, Encoding.UTF8.GetBytes(note), 0);
        File.Move(next, path, overwrite: true);
    }

    public void Dispose()
    {
        _records.Dispose();
        _checkpoints.Dispose();
    }

    private static void CutBack(FileStream file, long length)
    {
        try
        {
            RandomAccess.SetLength(file.SafeFileHandle, length);
        }
        catch (IOException)
        {
            // The torn line stays; the reader and the verifier tell it as a torn tail. The first failure is the one to report.
        }
    }

    // CreateNew is O_EXCL: a second writer on the same file is refused by the kernel.
    private static FileStream New(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        Share = FileShare.Read,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        BufferSize = 0,
    });
}
