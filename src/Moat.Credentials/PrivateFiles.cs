using System.Security.Cryptography;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>Files and folders that only their owner may touch: checked on every read, replaced as a whole.</summary>
internal static class PrivateFiles
{
    private const int MaxLength = 1024 * 1024;
    // Of the vault's own: the data folder holds other rooms' files too.
    private const string LeftoverPrefix = ".vault-write-";
    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode700 = FileMode600 | UnixFileMode.UserExecute;

    /// <summary>Makes the folder 0700 when it is not there; refuses one that others may enter.</summary>
    internal static void EnsureFolder(string path)
    {
        if (Native.Stat(path) is null) Directory.CreateDirectory(path, FolderMode700);
        CheckFolder(path);
    }

    internal static void CheckFolder(string path)
    {
        if (Native.Stat(path) is not { } stamp) return;
        if (!stamp.IsDirectory) throw new MoatException($"{path} is not a folder", $"move it away: mv {path} {path}.old");
        CheckOwnerAndMode(path, stamp, "700");
    }

    /// <summary>As <see cref="EnsureFolder"/>, for a folder that others may look into but not write.</summary>
    internal static void EnsureOwnFolder(string path)
    {
        if (Native.Stat(path) is null) Directory.CreateDirectory(path, FolderMode700);
        // The folder itself may be reached over a link; what it is counts.
        var real = new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        if (Native.Stat(real) is not { IsDirectory: true } stamp) throw new MoatException($"{path} is not a folder", $"move it away: mv {path} {path}.old");
        CheckOwnerAndMode(real, stamp, "go-w", 0x12 /* 022 */);
    }

    /// <summary>The whole file and its stamp; null when there is none. The stamp and the bytes are of one file.</summary>
    internal static (byte[] Bytes, FileStamp Stamp)? Read(string path)
    {
        // open(2) would fail with ELOOP; look first to say it in words.
        if (Native.Stat(path) is not { } seen) return null;
        if (!seen.IsRegularFile) throw new MoatException($"{path} is not a plain file", $"remove it: rm {path}");
        using var handle = Native.OpenForRead(path);
        if (handle is null) return null;
        var stamp = Native.Stat(handle, path);
        if (!stamp.IsRegularFile) throw new MoatException($"{path} is not a plain file", $"remove it: rm {path}");
        CheckOwnerAndMode(path, stamp, "600");
        if (stamp.Size > MaxLength) throw new MoatException($"{path} is larger than any file of the vault", $"remove it and grant again: rm {path}");
        var bytes = GC.AllocateUninitializedArray<byte>((int)stamp.Size, pinned: true);
        for (var read = 0; read < bytes.Length;)
        {
            var count = RandomAccess.Read(handle, bytes.AsSpan(read), read);
            if (count == 0) throw new MoatException($"{path} became shorter while it was read", "try again");
            read += count;
        }
        return (bytes, stamp);
    }

    /// <summary>
    /// Replaces the file: a new one beside it, flushed, renamed over it, and the folder flushed. A crash at any moment
    /// leaves the old file or the new one. The caller holds the vault's lock.
    /// </summary>
    internal static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var folder = Path.GetDirectoryName(path)!;
        RemoveLeftovers(folder);
        var temporary = Path.Combine(folder, $"{LeftoverPrefix}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        try
        {
            using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileMode600, BufferSize = 0 }))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        Native.SyncDirectory(folder);
    }

    private static void RemoveLeftovers(string folder)
    {
        foreach (var leftover in Directory.EnumerateFiles(folder, LeftoverPrefix + "*")) File.Delete(leftover);
    }

    private static void CheckOwnerAndMode(string path, FileStamp stamp, string mode, int forbidden = 0x3F /* 077 */)
    {
        if (stamp.Owner != Native.EffectiveUser)
            throw new MoatException($"{path} belongs to user {stamp.Owner}, not to you (user {Native.EffectiveUser})", $"see who put it there, then: chown {Native.EffectiveUser} {path}");
        if ((stamp.Mode & forbidden) != 0)
            throw new MoatException($"{path} has mode {Convert.ToString(stamp.Mode & 0x1FF, 8)}: other users can reach it", $"chmod {mode} {path}");
    }
}
