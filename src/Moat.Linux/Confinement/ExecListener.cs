using System.Runtime.InteropServices;

namespace Moat.Linux.Confinement;

/// <summary>
/// The other end of a filter that announces exec (seccomp_unotify(2)): one thread that looks at each call while it waits,
/// tells of it, and lets it go on. It decides nothing: the kernel reads path and arguments again after the answer, and
/// another thread of the process may have changed them by then. When this end closes, exec fails with ENOSYS.
/// </summary>
public sealed unsafe class ExecListener
{
    private const nuint Receive = 0xC0502100, Send = 0xC0182101, StillThere = 0x40082102;
    private const uint Continue = 1;
    private readonly int descriptor;
    private readonly Action<ExecAttempt>? tell;

    private ExecListener(int descriptor, Action<ExecAttempt>? tell)
    {
        this.descriptor = descriptor;
        this.tell = tell;
    }

    /// <summary>Serves a listener until the last process under its filter is gone.</summary>
    /// <param name="descriptor">Owned from here on.</param>
    /// <param name="tell">Called before the exec goes on; when it throws the exec is refused with EPERM. Null tells nobody.</param>
    public static Thread Start(int descriptor, Action<ExecAttempt>? tell)
    {
        var thread = new Thread(new ExecListener(descriptor, tell).Serve, 256 << 10) { IsBackground = true, Name = "exec listener" };
        thread.Start();
        return thread;
    }

    private void Serve()
    {
        using var view = new ProcessView();
        while (true)
        {
            // POLLIN is 1; a hangup (16) says that no process is left.
            var poll = new Libc.PollFd { Descriptor = descriptor, Events = 1 };
            if (Libc.poll(&poll, 1, -1) < 0)
            {
                if (Marshal.GetLastPInvokeError() == Libc.EINTR) continue;
                break;
            }

            if ((poll.Returned & 1) == 0) break;
            Notification notification = default;

            // ENOENT: the process was killed in between.
            if (Libc.ioctl(descriptor, Receive, (nint)(&notification)) == 0) Answer(notification, view);
        }

        _ = Libc.close(descriptor);
    }

    private void Answer(in Notification notification, ProcessView view)
    {
        var answer = new Response { Id = notification.Id, Flags = Continue };
        if (tell is not null)
        {
            var attempt = view.Look(notification);
            var id = notification.Id;

            // Gone: its number may have been another's while it was looked at, and there is nothing to let go on.
            if (Libc.ioctl(descriptor, StillThere, (nint)(&id)) != 0) return;
            try
            {
                tell(attempt);
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // What cannot be recorded does not happen; who was told knows why.
                (answer.Flags, answer.Error) = (0, -Libc.EPERM);
            }
        }

        _ = Libc.ioctl(descriptor, Send, (nint)(&answer));
    }

    /// <summary><c>struct seccomp_notif</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Notification
    {
        public ulong Id;
        public uint Pid;
        public uint Flags;
        public int Number;
        public uint Architecture;
        public ulong InstructionPointer;
        public fixed ulong Arguments[6];
    }

    /// <summary><c>struct seccomp_notif_resp</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Response
    {
        public ulong Id;
        public long Value;
        public int Error;
        public uint Flags;
    }
}
