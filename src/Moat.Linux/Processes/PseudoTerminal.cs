using System.Runtime.InteropServices;

namespace Moat.Linux.Processes;

/// <summary>A pseudo-terminal of the sandbox's own devpts, so that no terminal of the host is ever inside.</summary>
public static unsafe class PseudoTerminal
{
    /// <returns>Master and slave, both close-on-exec.</returns>
    /// <exception cref="IOException">No pty can be had.</exception>
    public static (int Master, int Slave) Open(int rows, int columns)
    {
        using var strings = new NativeStrings();
        var master = Libc.open(strings.String("/dev/ptmx"), Libc.O_RDWR | Libc.O_NOCTTY | Libc.O_CLOEXEC, 0);
        var unlocked = 0;
        if (master < 0 || Libc.ioctl(master, Libc.TIOCSPTLCK, (nint)(&unlocked)) != 0) throw new IOException("no pseudo-terminal: errno " + Marshal.GetLastPInvokeError());
        var slave = Libc.ioctl(master, Libc.TIOCGPTPEER, Libc.O_RDWR | Libc.O_NOCTTY | Libc.O_CLOEXEC);
        if (slave < 0) throw new IOException("the pseudo-terminal has no other end: errno " + Marshal.GetLastPInvokeError());
        Resize(master, rows, columns);
        return (master, slave);
    }

    /// <summary>Sets the size; the kernel tells the foreground processes (SIGWINCH).</summary>
    public static void Resize(int master, int rows, int columns)
    {
        var size = stackalloc ushort[4];
        (size[0], size[1], size[2], size[3]) = ((ushort)rows, (ushort)columns, 0, 0);
        _ = Libc.ioctl(master, Libc.TIOCSWINSZ, (nint)size);
    }
}
