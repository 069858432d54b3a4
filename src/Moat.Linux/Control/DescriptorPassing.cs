using System.Runtime.InteropServices;

namespace Moat.Linux.Control;

/// <summary>One descriptor over a UNIX socket (SCM_RIGHTS, unix(7)) with a byte to ride on; allocates nothing, so that it may run after a fork.</summary>
public static unsafe class DescriptorPassing
{
    public static bool Send(int socket, int descriptor)
    {
        byte data = 1;
        var iov = new Libc.IoVec { Base = &data, Length = 1 };
        var control = stackalloc ulong[3];
        control[0] = 20;
        control[1] = 1UL | (1UL << 32);
        control[2] = (uint)descriptor;
        var message = new Libc.MsgHdr { Iov = &iov, IovLength = 1, Control = control, ControlLength = 24 };
        nint count;
        do
        {
            count = Libc.sendmsg(socket, &message, 0x4000);
        }
        while (count < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
        return count == 1;
    }

    /// <summary>The descriptor, close-on-exec; -1 when the other end was closed without one.</summary>
    public static int Receive(int socket)
    {
        byte data;
        var iov = new Libc.IoVec { Base = &data, Length = 1 };
        var control = stackalloc ulong[3];
        var message = new Libc.MsgHdr { Iov = &iov, IovLength = 1, Control = control, ControlLength = 24 };
        nint count;
        do
        {
            count = Libc.recvmsg(socket, &message, 0x40000000);
        }
        while (count < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
        return count == 1 && message.ControlLength >= 20 && control[0] == 20 && control[1] == (1UL | (1UL << 32)) ? (int)(uint)control[2] : -1;
    }
}
