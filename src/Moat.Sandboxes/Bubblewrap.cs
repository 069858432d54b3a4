using System.Collections.Immutable;
using Moat.Linux;
using Moat.Linux.Confinement;
using Moat.Linux.Control;
using Moat.Linux.Processes;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>
/// The default backend: bubblewrap makes the namespaces and mounts, init closes them from the inside.
/// <code>
/// 1 lay out files ─► 2 control channel ─► 3 bwrap ─► init ─► 4 Setup ─► 5 Ready: sockets handed over ─► 6 cgroup
/// </code>
/// The agent is not started here, so that the gateway serves before its first instruction.
/// </summary>
public static class Bubblewrap
{
    /// <exception cref="MoatException">A protection that this host cannot give, or bubblewrap's own refusal.</exception>
    public static async Task<Sandbox> StartAsync(SandboxOptions options, CancellationToken cancellation)
    {
        // 1
        var arguments = BubblewrapArguments.Build(options);

        // 2
        var (ours, theirs) = Descriptors.SocketPair();
        NativeProcess process;
        try
        {
            // 3
            process = NativeProcess.Start(FindBubblewrap(), arguments, theirs);
        }
        finally
        {
            _ = Libc.close(theirs);
        }

        var channel = new ControlChannel(ours);
        try
        {
            // 4, 5
            var ready = await Task.Run(() => Open(channel, process, options.Spec), cancellation).ConfigureAwait(false);
            var frame = new FrameReader(ready.Frame);
            if (frame.Kind == FrameKind.Failed) throw new MoatException("the sandbox could not be closed: " + frame.Text(), "Run 'moat doctor' to see what this host lacks.");
            var (protections, missing, names) = (frame.Texts(), frame.Texts(), frame.Texts());
            var listeners = new SandboxListeners([.. names.Zip(ready.Descriptors)]);

            // 6
            var group = ControlGroup.TryCreate(options.Spec, process.ChildId());
            return new Sandbox(channel, process, listeners, group, options,
                [.. protections, .. group?.Protections ?? []], Missing(missing, group));
        }
        catch
        {
            process.Kill();
            _ = Libc.close(ours);
            throw;
        }
    }

    private static ImmutableArray<string> Missing(string[] fromInit, ControlGroup? group) =>
        group is null ? [.. fromInit, "cgroup-limits"] : [.. fromInit];

    private static (byte[] Frame, int[] Descriptors) Open(ControlChannel channel, NativeProcess process, RunSpec spec)
    {
        try
        {
            channel.Send(SetupFrame(spec));
            if (channel.Receive() is { } ready) return ready;
        }
        catch (IOException)
        {
            // bwrap ended before init began; its own words say more than the broken channel.
        }

        throw StartFailure.Explain(process.ErrorText());
    }

    private static byte[] SetupFrame(RunSpec spec)
    {
        var frame = new FrameWriter(FrameKind.Setup);
        var (uid, gid) = SandboxIdentity.Inner;
        frame.Int((int)uid).Int((int)gid).Int(spec.Downgrades.Contains("landlock") ? 1 : 0);
        List<(string Path, LandlockUse Use)> paths =
        [
            ("/", LandlockUse.Read), ("/dev", LandlockUse.Devices), ("/dev/shm", LandlockUse.Write), (SandboxIdentity.Home, LandlockUse.Write), ("/tmp", LandlockUse.Write), ("/var/tmp", LandlockUse.Write), ("/run", LandlockUse.Write),
            (spec.Workspace.Target, LandlockUse.Write),
        ];
        paths.AddRange(spec.Mounts.Where(m => !m.ReadOnly).Select(m => (m.Target, LandlockUse.Write)));
        frame.Int(paths.Count);
        foreach (var (path, use) in paths) frame.Text(path).Int((int)use);
        var limits = ResourceLimits.Of(spec.Limits);
        frame.Int(limits.Count);
        foreach (var (resource, soft, hard) in limits) frame.Int(resource).Long((long)soft).Long((long)hard);
        return frame.ToArray();
    }

    private static string FindBubblewrap()
    {
        foreach (var folder in (string[])["/usr/bin", "/usr/local/bin", "/bin", .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')])
        {
            var candidate = Path.Combine(folder, "bwrap");
            if (File.Exists(candidate)) return candidate;
        }

        throw new MoatException("bubblewrap (bwrap) is not installed", "Install it: sudo apt-get install -y bubblewrap");
    }
}
