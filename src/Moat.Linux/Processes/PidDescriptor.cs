using System.Runtime.InteropServices;

namespace Moat.Linux.Processes;

/// <summary>A process by pidfd_open(2): a signal can never meet another that got its number, and its end is an event.</summary>
public sealed unsafe class PidDescriptor : IDisposable
{
    private const int SysSendSignal = 424, SysOpen = 434;
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle handle;

    private PidDescriptor(int descriptor) => handle = new(descriptor, ownsHandle: true);

    /// <returns>Null when the process is gone already.</returns>
    public static PidDescriptor? TryOpen(int pid)
    {
        var descriptor = pid > 0 ? Libc.syscall(SysOpen, pid, 0, 0, 0, 0) : -1;
        return descriptor < 0 ? null : new PidDescriptor((int)descriptor);
    }

    public void Kill() => _ = Libc.syscall(SysSendSignal, (int)handle.DangerousGetHandle(), Libc.SIGKILL, 0, 0, 0);

    /// <summary>
    /// Waits for its end. The first process of a pid namespace ends after all others of the namespace did.
    /// </summary>
    /// <returns>False when the time passed first.</returns>
    public bool WaitForEnd(TimeSpan limit)
    {
        var until = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        while (true)
        {
            // POLLIN is 1.
            var poll = new Libc.PollFd { Descriptor = (int)handle.DangerousGetHandle(), Events = 1 };
            var ready = Libc.poll(&poll, 1, (int)Math.Max(0, until - Environment.TickCount64));
            if (ready >= 0 || Marshal.GetLastPInvokeError() != Libc.EINTR) return ready > 0;
        }
    }

    public void Dispose() => handle.Dispose();
}
