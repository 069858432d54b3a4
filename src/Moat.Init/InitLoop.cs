using System.Globalization;
using Moat.Linux;
using Moat.Linux.Confinement;
using Moat.Linux.Control;
using Moat.Linux.Net;

namespace Moat.Init;

/// <summary>
/// The life of PID 1:
/// <code>
/// 1 hide itself ─► 2 Setup frame ─► 3 routes and sockets ─► 4 own fences made ─► 5 Ready (sockets ride along)
///     ─► 6 Start and Signal frames, one after another ─► 7 the channel ends: everything here ends with it
/// </code>
/// When init returns the kernel kills every process of the namespace, so a supervisor that died leaves nothing behind.
/// </summary>
internal static class InitLoop
{
    public static int Run(int descriptor)
    {
        // 1. Not dumpable: no process of the agent, same user though it is, can open /proc/1 or trace init.
        _ = Libc.prctl(Libc.PR_SET_DUMPABLE, 0, 0, 0, 0);
        _ = Libc.syscall(436, 4, unchecked((nint)uint.MaxValue), 0, 0, 0);
        var channel = new ControlChannel(descriptor);
        Children children;
        try
        {
            // 2
            if (channel.Receive() is not { } setup) return 1;
            var settings = SetupSettings.Read(new FrameReader(setup.Frame));

            // 3
            var ipv6 = LoopbackRoutes.Add();
            List<NamedSocket> sockets;
            try
            {
                sockets = Listeners.Open(ipv6, settings.Ssh, settings.ExtraPorts);
            }
            catch (IOException) when (ipv6)
            {
                sockets = Listeners.Open(ipv6: false, settings.Ssh, settings.ExtraPorts);
                ipv6 = false;
            }

            // 4
            List<string> protections = ["namespaces", "no-capabilities", "no-new-privileges", "seccomp", "one-way-out"];
            List<string> missing = [];
            if (!ipv6) missing.Add("ipv6");
            (settings.ObservesExec ? protections : missing).Add("exec-observation");
            Landlock? landlock = null;
            var abi = Landlock.Abi;
            if (abi > 0)
            {
                landlock = Landlock.Create();
                foreach (var (path, use) in settings.Paths) landlock.Allow(path, use);
                protections.Add("landlock-abi-" + abi.ToString(CultureInfo.InvariantCulture));
                missing.AddRange(Landlock.Missing(abi));
            }
            else if (settings.MayMissLandlock)
            {
                missing.Add("landlock");
            }
            else
            {
                throw new IOException("the kernel has no Landlock (downgrade: landlock)");
            }

            children = new Children(channel, landlock, SeccompFilter.Build(settings.ObservesExec).ToNative(), settings);

            // 5
            channel.Send(new FrameWriter(FrameKind.Ready).Texts(protections).Texts(missing).Texts([.. sockets.Select(s => s.Name)]).ToArray(),
                [.. sockets.Select(s => s.Descriptor)]);
            foreach (var socket in sockets) _ = Libc.close(socket.Descriptor);
        }
        catch (IOException error)
        {
            channel.Send(new FrameWriter(FrameKind.Failed).Text(error.Message).ToArray());
            return 1;
        }

        // 6
        while (channel.Receive() is { } message)
        {
            var frame = new FrameReader(message.Frame);
            if (frame.Kind == FrameKind.Start) children.Start(frame, message.Descriptors);
            else if (frame.Kind == FrameKind.Signal) children.Signal(frame.Int(), frame.Int());
        }

        // 7
        return 0;
    }
}

/// <summary>The Setup frame: what the fences hold and what this run may do without.</summary>
internal sealed record SetupSettings(
    uint Uid, uint Gid, bool MayMissLandlock, bool ObservesExec, (string Path, LandlockUse Use)[] Paths, (int Resource, ulong Soft, ulong Hard)[] Limits, bool Ssh, int[] ExtraPorts)
{
    public static SetupSettings Read(FrameReader frame)
    {
        var (uid, gid, downgrade, observes) = ((uint)frame.Int(), (uint)frame.Int(), frame.Int() != 0, frame.Int() != 0);
        var paths = new (string, LandlockUse)[frame.Int()];
        for (var i = 0; i < paths.Length; i++) paths[i] = (frame.Text(), (LandlockUse)frame.Int());
        var limits = new (int, ulong, ulong)[frame.Int()];
        for (var i = 0; i < limits.Length; i++) limits[i] = (frame.Int(), (ulong)frame.Long(), (ulong)frame.Long());
        var ssh = frame.Int() != 0;
        var ports = new int[frame.Int()];
        for (var i = 0; i < ports.Length; i++) ports[i] = frame.Int();
        return new SetupSettings(uid, gid, downgrade, observes, paths, limits, ssh, ports);
    }
}
