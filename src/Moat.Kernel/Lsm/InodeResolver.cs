using System.Globalization;
using System.Runtime.InteropServices;
using Moat.Linux;

namespace Moat.Kernel.Lsm;

/// <summary>
/// Learns how the kernel knows the inode at a path. stat cannot tell it: over overlayfs and btrfs it gives a device that
/// no inode has. A program on the hook of stat gives the answer instead, to the one thread that asks.
/// </summary>
internal sealed unsafe partial class InodeResolver(BpfMap resolutions)
{
    private const int SysOpenat2 = 437, ResolveInRoot = 0x10, AtEmptyPath = 0x1000, BasicStats = 0x7ff, ELOOP = 40;

    /// <summary>Null where nothing is at the path. Links are followed, and end at <paramref name="root"/>.</summary>
    /// <param name="root">A directory that is the root of the path: <c>/</c>, or <c>/proc/PID/root</c>.</param>
    /// <param name="path">Absolute, beneath <paramref name="root"/>.</param>
    /// <exception cref="IOException">The path cannot be looked at.</exception>
    public Resolution? Resolve(string root, string path)
    {
        using var strings = new NativeStrings();
        var directory = Libc.open(strings.String(root), Libc.O_PATH | Libc.O_CLOEXEC, 0);
        if (directory < 0) throw Failure(root);
        try
        {
            var how = stackalloc ulong[3] { Libc.O_PATH | Libc.O_CLOEXEC, 0, ResolveInRoot };
            var descriptor = (int)Libc.syscall(SysOpenat2, directory, (nint)strings.String(path), (nint)how, 24, 0);
            if (descriptor < 0)
            {
                return Marshal.GetLastPInvokeError() is Libc.ENOENT or Libc.ENOTDIR or ELOOP ? null : throw Failure(path);
            }

            try
            {
                return Ask(descriptor, strings.String(""), path);
            }
            finally
            {
                _ = Libc.close(descriptor);
            }
        }
        finally
        {
            _ = Libc.close(directory);
        }
    }

    private Resolution Ask(int descriptor, byte* nothing, string path)
    {
        var buffer = stackalloc byte[256];
        resolutions.Set(0u, new Resolution { Thread = (uint)gettid() });
        var result = statx(descriptor, nothing, AtEmptyPath, BasicStats, buffer);
        if (result != 0) throw Failure(path);
        var answer = resolutions.Get<Resolution>(0);
        resolutions.Set(0u, default(Resolution));
        return answer.Answered == 1 ? answer : throw new IOException("the kernel does not say which inode is at " + path + "; run moat in the host's own process namespace");
    }

    private static IOException Failure(string path) => new(string.Create(CultureInfo.InvariantCulture, $"{path} cannot be looked at: errno {Marshal.GetLastPInvokeError()}"));

    [LibraryImport("libc")]
    private static partial int gettid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int directory, byte* path, int flags, uint mask, byte* buffer);
}
