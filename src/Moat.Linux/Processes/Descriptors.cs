using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Moat.Linux.Processes;

/// <summary>Pairs of descriptors, all close-on-exec.</summary>
public static unsafe class Descriptors
{
    /// <exception cref="IOException">No descriptor is left.</exception>
    public static (int One, int Other) SocketPair()
    {
        var pair = stackalloc int[2];
        if (Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, pair) != 0) throw new IOException("no socket pair: errno " + Marshal.GetLastPInvokeError());
        return (pair[0], pair[1]);
    }

    /// <exception cref="IOException">No descriptor is left.</exception>
    public static (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        var pair = stackalloc int[2];
        if (Libc.pipe2(pair, Libc.O_CLOEXEC) != 0) throw new IOException("no pipe: errno " + Marshal.GetLastPInvokeError());
        return (new SafeFileHandle(pair[0], true), new SafeFileHandle(pair[1], true));
    }
}
