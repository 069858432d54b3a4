using System.Runtime.InteropServices;
using Moat.Linux.Confinement;
using Moat.Linux.Control;

namespace Moat.Linux.Processes;

/// <summary>
/// Starts a process of the agent inside the sandbox, closed before its first instruction:
/// <code>
/// fork ─► 1 own session ─► 2 terminal or pipes on 0,1,2 ─► 3 every other descriptor closed ─► 4 limits ─► 5 user namespace of its own
///      ─► 6 no capability ─► 7 no_new_privs, Landlock, seccomp ─► 8 signals as a shell leaves them ─► exec
/// </code>
/// A step that fails ends the child with 126 and a line on its standard error.
/// </summary>
public static unsafe class ConfinedChild
{
    /// <param name="plan">Prepared; must outlive the call.</param>
    /// <param name="input">Descriptor for standard input.</param>
    /// <param name="output">Descriptor for standard output; for a terminal all three are its slave.</param>
    /// <param name="error">Descriptor for standard error.</param>
    /// <param name="terminal">True makes <paramref name="input"/> the controlling terminal.</param>
    /// <param name="listener">For <see cref="ExecListener"/>; -1 when the child ended before, or when nothing is announced.</param>
    /// <returns>The pid in init's namespace.</returns>
    /// <exception cref="IOException">fork failed (limits).</exception>
    public static int Start(ChildPlan plan, int input, int output, int error, bool terminal, out int listener)
    {
        var (ours, theirs) = plan.AnnouncesExec ? Descriptors.SocketPair() : (-1, -1);
        try
        {
            var pid = Libc.fork();
            if (pid < 0) throw new IOException("fork failed: errno " + Marshal.GetLastPInvokeError());
            if (pid == 0) Become(plan, input, output, error, terminal, theirs);
            if (theirs >= 0) _ = Libc.close(theirs);
            theirs = -1;

            // Its first exec waits for who serves the listener, so it comes before the word that the child was started.
            listener = plan.AnnouncesExec ? DescriptorPassing.Receive(ours) : -1;
            return pid;
        }
        finally
        {
            if (theirs >= 0) _ = Libc.close(theirs);
            if (ours >= 0) _ = Libc.close(ours);
        }
    }

    private static void Become(ChildPlan plan, int input, int output, int error, bool terminal, int listenerTo)
    {
        // 1, 2
        _ = Libc.setsid();
        if (terminal && Libc.ioctl(input, Libc.TIOCSCTTY, 0) != 0) Fail(plan);
        if (Libc.dup2(input, 0) < 0 || Libc.dup2(output, 1) < 0 || Libc.dup2(error, 2) < 0) Fail(plan);

        // 3. The Landlock ruleset is a descriptor too: marked close-on-exec (flag 4) rather than closed. close_range is 436.
        if (Libc.syscall(436, 3, unchecked((nint)uint.MaxValue), 4, 0, 0) != 0) Fail(plan);

        // 4. Before the user namespace: the kernel takes RLIMIT_NPROC of that moment as what all processes started by init may
        // have together, and the later one for each of them.
        foreach (var (resource, soft, hard) in plan.Limits)
        {
            var limit = new Libc.RLimit { Soft = soft, Hard = hard };
            if (Libc.setrlimit(resource, &limit) != 0) Fail(plan);
        }

        // 5. init holds CAP_NET_ADMIN over the namespaces; the agent lives in a child namespace that owns none of them.
        _ = Libc.prctl(Libc.PR_SET_DUMPABLE, 1, 0, 0, 0);
        if (Libc.unshare(0x10000000) != 0) Fail(plan);
        if (!Write(plan.SetGroupsPath, plan.Deny) || !Write(plan.UidMapPath, plan.UidMap) || !Write(plan.GidMapPath, plan.GidMap)) Fail(plan);

        // 6
        if (!Capabilities.DropAll()) Fail(plan);

        // 8 comes before 7 in time, as seccomp must be last: .NET ignores SIGPIPE, and an ignored signal survives exec.
        for (var signal = 1; signal < 32; signal++)
        {
            if (signal is not (Libc.SIGKILL or Libc.SIGSTOP)) _ = Libc.signal(signal, 0);
        }

        ulong none = 0;
        _ = Libc.sigprocmask(2, &none, null);
        if (Libc.chdir(plan.Directory) != 0) Fail(plan);

        // 7
        if (Libc.prctl(Libc.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Fail(plan);
        if (plan.Landlock is { } landlock && !landlock.RestrictSelf()) Fail(plan);
        if (plan.AnnouncesExec)
        {
            var listener = SeccompFilter.ApplyWithListener(plan.Seccomp);
            if (listener < 0) Fail(plan.NotObserved);
            if (!DescriptorPassing.Send(listenerTo, listener)) Fail(plan.NotConfined);
            _ = Libc.close(listener);
        }
        else if (!SeccompFilter.Apply(plan.Seccomp))
        {
            Fail(plan);
        }

        var denied = false;
        foreach (var candidate in plan.Candidates)
        {
            _ = Libc.execve((byte*)candidate, plan.Arguments, plan.Environment);
            var errno = Marshal.GetLastSystemError();
            if (errno is not (Libc.ENOENT or Libc.ENOTDIR)) denied = true;
        }

        Say(denied ? plan.NotRunnable : plan.NotFound);
        Libc._exit(denied ? 126 : 127);
    }

    private static bool Write(byte* path, byte* text)
    {
        var fd = Libc.open(path, Libc.O_WRONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0) return false;
        var length = Length(text);
        var written = Libc.write(fd, text, (nuint)length);
        _ = Libc.close(fd);
        return written == length;
    }

    private static int Length(byte* text)
    {
        var length = 0;
        while (text[length] != 0) length++;
        return length;
    }

    private static void Say(byte* text) => _ = Libc.write(2, text, (nuint)Length(text));

    private static void Fail(ChildPlan plan) => Fail(plan.NotConfined);

    private static void Fail(byte* text)
    {
        Say(text);
        Libc._exit(126);
    }
}
