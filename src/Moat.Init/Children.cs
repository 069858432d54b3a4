using System.Runtime.InteropServices;
using Moat.Linux;
using Moat.Linux.Confinement;
using Moat.Linux.Control;
using Moat.Linux.Processes;

namespace Moat.Init;

/// <summary>
/// The processes that the supervisor asked for, and the orphans that PID 1 inherits. A thread of its own waits for every
/// death, since a signal to init could be taken by any thread of the runtime and be lost.
/// </summary>
internal sealed unsafe class Children
{
    private readonly ControlChannel channel;
    private readonly Landlock? landlock;
    private readonly nint seccomp;
    private readonly SetupSettings settings;
    private readonly Dictionary<int, int> idOfPid = [];
    private readonly Lock gate = new();
    private static readonly AutoResetEvent Born = new(false);

    public Children(ControlChannel channel, Landlock? landlock, nint seccomp, SetupSettings settings)
    {
        this.channel = channel;
        this.landlock = landlock;
        this.seccomp = seccomp;
        this.settings = settings;
        new Thread(Reap, 64 << 10) { IsBackground = true }.Start();
    }

    public void Start(FrameReader frame, int[] descriptors)
    {
        var id = frame.Int();
        var terminal = frame.Int() != 0;
        var (rows, columns) = (frame.Int(), frame.Int());
        var directory = frame.Text();
        var (argv, environment) = (frame.Texts(), frame.Texts());
        int master = -1, slave = -1, listener = -1;
        try
        {
            using var plan = new ChildPlan { Landlock = landlock, Seccomp = seccomp, AnnouncesExec = settings.ObservesExec, Limits = settings.Limits };
            plan.Prepare(argv, environment, directory, settings.Uid, settings.Gid);
            if (terminal) (master, slave) = PseudoTerminal.Open(rows, columns);
            else if (descriptors.Length != 3) throw new IOException("three pipes were expected");
            int pid;
            lock (gate)
            {
                pid = terminal ? ConfinedChild.Start(plan, slave, slave, slave, true, out listener) : ConfinedChild.Start(plan, descriptors[0], descriptors[1], descriptors[2], false, out listener);
                idOfPid[pid] = id;
            }

            int[] handed = [.. terminal ? [master] : (int[])[], .. listener >= 0 ? [listener] : (int[])[]];
            channel.Send(new FrameWriter(FrameKind.Started).Int(id).Int(pid).Int(listener >= 0 ? 1 : 0).ToArray(), handed);
            Born.Set();
        }
        catch (IOException error)
        {
            channel.Send(new FrameWriter(FrameKind.Exited).Int(id).Int(126).Text(error.Message).ToArray());
        }
        finally
        {
            foreach (var descriptor in descriptors) _ = Libc.close(descriptor);
            if (slave >= 0) _ = Libc.close(slave);
            if (master >= 0) _ = Libc.close(master);
            if (listener >= 0) _ = Libc.close(listener);
        }
    }

    /// <summary>A signal to a started process's group, or with id 0 to every process of the sandbox but init.</summary>
    public void Signal(int id, int signal)
    {
        if (id == 0)
        {
            _ = Libc.kill(-1, signal);
            return;
        }

        lock (gate)
        {
            foreach (var (pid, owner) in idOfPid)
            {
                if (owner == id && Libc.kill(-pid, signal) != 0) _ = Libc.kill(pid, signal);
            }
        }
    }

    private void Reap()
    {
        while (true)
        {
            int status;
            var pid = Libc.waitpid(-1, &status, 0);
            if (pid < 0)
            {
                if (Marshal.GetLastPInvokeError() == Libc.ECHILD) Born.WaitOne();
                continue;
            }

            int id;
            lock (gate)
            {
                // An orphan that the agent left behind has no id and needs no word.
                if (!idOfPid.Remove(pid, out id)) continue;
            }

            var code = (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
            try
            {
                channel.Send(new FrameWriter(FrameKind.Exited).Int(id).Int(code).Text("").ToArray());
            }
            catch (IOException)
            {
                // The supervisor is gone; the main loop sees the same and ends the namespace.
                return;
            }
        }
    }
}
