using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Moat.Credentials;

/// <summary>The few system calls that the vault needs and the base library does not offer.</summary>
internal static unsafe partial class Native
{
    private const int ReadOnly = 0, ReadWrite = 2, Create = 0x40, CloseOnExec = 0x80000;
    private const int DontDump = 16, LockExclusive = 2, LockNoWait = 4, EmptyPath = 0x1000, NoFollowLink = 0x100, CurrentDirectory = -100;
    private const int NoEntry = 2, Interrupted = 4, WouldBlock = 11;

    // O_NOFOLLOW and O_DIRECTORY are swapped between the two architectures Moat runs on.
    private static readonly bool s_arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int s_noFollow = s_arm ? 0x8000 : 0x20000;
    private static readonly int s_directory = s_arm ? 0x4000 : 0x10000;

    /// <summary>Best effort: a small RLIMIT_MEMLOCK or an old kernel must not stop a run.</summary>
    internal static void KeepOutOfDumps(byte[] pinned)
    {
        if (pinned.Length == 0) return;
        var page = (nuint)Environment.SystemPageSize;
        var start = (nuint)(nint)Unsafe(pinned);
        var first = start & ~(page - 1);
        var length = (start + (nuint)pinned.Length - first + page - 1) & ~(page - 1);
        _ = madvise(first, length, DontDump);
        _ = mlock(first, length);
    }

    /// <summary>Opens without following a last symbolic link; null when there is no such file.</summary>
    internal static SafeFileHandle? OpenForRead(string path)
    {
        var fd = open(path, ReadOnly | CloseOnExec | s_noFollow, 0);
        if (fd >= 0) return new SafeFileHandle(fd, ownsHandle: true);
        var error = Marshal.GetLastPInvokeError();
        return error == NoEntry ? null : throw Failed("open", path, error);
    }

    internal static void SyncDirectory(string path)
    {
        var fd = open(path, ReadOnly | CloseOnExec | s_directory, 0);
        if (fd < 0) throw Failed("open", path, Marshal.GetLastPInvokeError());
        using var handle = new SafeFileHandle(fd, ownsHandle: true);
        if (fsync(fd) != 0) throw Failed("fsync", path, Marshal.GetLastPInvokeError());
    }

    /// <summary>Waits until this process holds the lock; closing the handle lets go.</summary>
    internal static SafeFileHandle Lock(string path) => Lock(path, LockExclusive)!;

    /// <summary>As <see cref="Lock(string)"/>, without waiting: null while somebody else holds it.</summary>
    internal static SafeFileHandle? TryLock(string path) => Lock(path, LockExclusive | LockNoWait);

    private static SafeFileHandle? Lock(string path, int operation)
    {
        var fd = open(path, ReadWrite | Create | CloseOnExec | s_noFollow, 0x180 /* 0600 */);
        if (fd < 0) throw Failed("open", path, Marshal.GetLastPInvokeError());
        var handle = new SafeFileHandle(fd, ownsHandle: true);
        while (flock(fd, operation) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == Interrupted) continue;
            handle.Dispose();
            if (error == WouldBlock) return null;
            throw Failed("flock", path, error);
        }
        return handle;
    }

    /// <summary>The stamp of an open file.</summary>
    internal static FileStamp Stat(SafeFileHandle handle, string path)
        => TryStat((int)handle.DangerousGetHandle(), "", EmptyPath, out var error) ?? throw Failed("statx", path, error);

    /// <summary>The stamp of a path, of a symbolic link itself; null when there is nothing.</summary>
    internal static FileStamp? Stat(string path)
        => TryStat(CurrentDirectory, path, NoFollowLink, out var error) is { } stamp ? stamp
            : error == NoEntry ? null : throw Failed("statx", path, error);

    internal static uint EffectiveUser => geteuid();

    private static FileStamp? TryStat(int directory, string path, int flags, out int error)
    {
        // struct statx has one layout on every architecture, 256 bytes: uid at 20, mode at 28, inode at 32, size at 40,
        // ctime at 96 and mtime at 112 (seconds, then nanoseconds).
        var buffer = stackalloc byte[256];
        error = 0;
        if (statx(directory, path, flags, 0x7ff, buffer) != 0)
        {
            error = Marshal.GetLastPInvokeError();
            return null;
        }
        return new FileStamp(*(uint*)(buffer + 20), *(ushort*)(buffer + 28), *(ulong*)(buffer + 32), *(ulong*)(buffer + 40),
            *(long*)(buffer + 96), *(uint*)(buffer + 104), *(long*)(buffer + 112), *(uint*)(buffer + 120));
    }

    private static IOException Failed(string call, string path, int error)
        => new($"{call} {path}: {Marshal.GetPInvokeErrorMessage(error)}", new Win32Exception(error));

    private static void* Unsafe(byte[] pinned) => (void*)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int fd, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial int madvise(nuint address, nuint length, int advice);

    [LibraryImport("libc")]
    private static partial int mlock(nuint address, nuint length);
}

/// <summary>Who owns a file, its mode with the type bits, and what changes when it is replaced or written.</summary>
internal readonly record struct FileStamp(uint Owner, ushort Mode, ulong Inode, ulong Size,
    long ChangedSeconds, uint ChangedNanoseconds, long ModifiedSeconds, uint ModifiedNanoseconds)
{
    internal bool IsRegularFile => (Mode & 0xF000) == 0x8000;

    internal bool IsDirectory => (Mode & 0xF000) == 0x4000;
}
