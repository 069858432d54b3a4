using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using Moat.Linux;
using Moat.Linux.Confinement;
using Moat.Linux.Control;
using Moat.Linux.Processes;
using Moat.Spec;

namespace Moat.Sandboxes;

/// <summary>
/// The default backend: bubblewrap makes the namespaces and mounts, init closes them from the inside.
/// <code>
/// 1 cgroup with its limits ─► 2 files laid out ─► 3 control channel ─► 4 bwrap ─► init ─► 6 Setup ─► 7 Ready: sockets handed over
///                                                                            └─► 5 init joins the cgroup, late files are filled meanwhile
/// </code>
/// The agent is not started here, so that the gateway serves before its first instruction.
/// </summary>
public static partial class Bubblewrap
{
    /// <summary>Begins what of a start needs nothing of the run and takes its time. To be called early; never fails.</summary>
    public static void WarmUp() => Task.Run(() => ControlGroup.Prime());

    /// <exception cref="MoatException">A protection that this host cannot give, or bubblewrap's own refusal.</exception>
    public static async Task<Sandbox> StartAsync(SandboxOptions options, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();

        // 1
        var group = ControlGroup.Prepare(options.Spec);
        NativeProcess? process = null;
        Task<PidDescriptor?>? joined = null;
        ControlChannel? channel = null;
        SandboxListeners? listeners = null;
        try
        {
            DemandProcessLimit(options.Spec, group);

            // 2
            var files = new RunFiles();
            var arguments = BubblewrapArguments.Build(options, files);

            // 3
            var (ours, theirs) = Descriptors.SocketPair();
            var (information, informationEnd) = Descriptors.Pipe();
            channel = new ControlChannel(ours);
            try
            {
                // 4
                using (informationEnd) process = NativeProcess.Start(FindBubblewrap(), arguments, theirs, (int)informationEnd.DangerousGetHandle(), group.Enter);
            }
            finally
            {
                _ = Libc.close(theirs);
                if (process is null) information.Dispose();
            }

            // 5: a move into a cgroup waits for the whole kernel (milliseconds), so it goes on while bwrap mounts.
            joined = Task.Run(() => Join(information, group), CancellationToken.None);

            await files.FinishAsync().ConfigureAwait(false);

            // 6, 7
            using var stop = cancellation.Register(process.Kill);
            var ready = await Task.Run(() => Open(channel, process, options), CancellationToken.None).ConfigureAwait(false);
            var frame = new FrameReader(ready.Frame);
            if (frame.Kind == FrameKind.Failed) throw new MoatException("the sandbox could not be closed: " + frame.Text(), "Run 'moat doctor' to see what this host lacks.");
            var (protections, missing, names) = (frame.Texts(), frame.Texts(), frame.Texts());
            listeners = new SandboxListeners([.. names.Zip(ready.Descriptors)]);
            cancellation.ThrowIfCancellationRequested();

            var pid = await joined.ConfigureAwait(false);
            DemandProcessLimit(options.Spec, group);
            string[] limits = options.Spec.Limits.Processes > 0 && ResourceLimits.ProcessesHold ? ["rlimit-processes"] : [];
            return new Sandbox(channel, process, pid, listeners, group, options, [.. protections, .. limits, .. group.Protections], [.. missing, .. group.Missing]);
        }
        catch (Exception error)
        {
            listeners?.Dispose();
            if (process is not null)
            {
                // bwrap's child too: until it has asked to die with its parent it would outlive it.
                process.Kill();
                await process.Exited.ConfigureAwait(false);
                if (joined is not null)
                {
                    using var child = await joined.ConfigureAwait(false);
                    child?.Kill();
                    child?.WaitForEnd(Sandbox.LastWait);
                }
            }

            if (channel is not null) _ = Libc.close(channel.Descriptor);
            await group.RemoveAsync().ConfigureAwait(false);
            if (error is MoatException) cancellation.ThrowIfCancellationRequested();
            throw;
        }
    }

    /// <summary>Waits for bwrap to say its child's pid ({"child-pid": N}), which becomes init, and moves it into the run's cgroup.</summary>
    /// <returns>Null when bwrap ended before.</returns>
    private static PidDescriptor? Join(SafeFileHandle information, ControlGroup group)
    {
        using var reader = new StreamReader(new FileStream(information, FileAccess.Read, 0));
        var match = ChildPid().Match(reader.ReadToEnd());
        var pid = match.Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
        var descriptor = PidDescriptor.TryOpen(pid);
        group.Join(pid);
        return descriptor;
    }

    [GeneratedRegex("\"child-pid\": *([0-9]+)")]
    private static partial Regex ChildPid();

    private static void DemandProcessLimit(RunSpec spec, ControlGroup group)
    {
        if (spec.Limits.Processes == 0 || ResourceLimits.ProcessesHold || group.Protections.Contains("cgroup-pids") || spec.Downgrades.Contains("limits")) return;
        throw new MoatException("nothing on this host bounds the number of processes of a run that root starts: no pids cgroup can be made",
            "Run moat as an ordinary user (a resource limit bounds those), make the cgroup file system writable, or give the limit up for this run: --downgrade limits");
    }

    private static (byte[] Frame, int[] Descriptors) Open(ControlChannel channel, NativeProcess process, SandboxOptions options)
    {
        try
        {
            channel.Send(SetupFrame(options));
            if (channel.Receive() is { } ready) return ready;
        }
        catch (IOException)
        {
            // bwrap ended before init began; its own words say more than the broken channel.
        }

        throw StartFailure.Explain(process.ErrorText());
    }

    private static byte[] SetupFrame(SandboxOptions options)
    {
        var spec = options.Spec;
        var frame = new FrameWriter(FrameKind.Setup);
        var (uid, gid) = SandboxIdentity.Inner;
        frame.Int((int)uid).Int((int)gid).Int(spec.Downgrades.Contains("landlock") ? 1 : 0).Int(spec.Downgrades.Contains("exec-observation") ? 0 : 1);
        IReadOnlyList<(string Path, LandlockUse Use)> paths = options.Fence is { } fence ? [("/", LandlockUse.List), ("/dev", LandlockUse.Devices), .. fence.Grants] : Paths(spec);
        frame.Int(paths.Count);
        foreach (var (path, use) in paths) frame.Text(path).Int((int)use);
        var limits = ResourceLimits.Of(spec.Limits);
        frame.Int(limits.Count);
        foreach (var (resource, soft, hard) in limits) frame.Int(resource).Long((long)soft).Long((long)hard);
        frame.Int(options.Ssh ? 1 : 0);
        frame.Int(options.ExtraPorts.Length);
        foreach (var port in options.ExtraPorts) frame.Int(port);
        return frame.ToArray();
    }

    private static IReadOnlyList<(string Path, LandlockUse Use)> Paths(RunSpec spec) =>
    [
        ("/", LandlockUse.ReadOnly), ("/dev", LandlockUse.ReadOnly | LandlockUse.Write | LandlockUse.Devices), .. ((string[])["/dev/shm", SandboxIdentity.Home, "/tmp", "/var/tmp", "/run", spec.Workspace.Target]).Select(static path => (path, LandlockUse.All)),
        .. spec.Mounts.Where(static m => !m.ReadOnly).Select(static m => (m.Target, LandlockUse.All)),
    ];

    internal static string? TryFind() =>
        ((string[])["/usr/bin", "/usr/local/bin", "/bin", .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')]).Select(folder => Path.Combine(folder, "bwrap")).FirstOrDefault(File.Exists);

    private static string FindBubblewrap() => TryFind() ?? throw new MoatException("bubblewrap (bwrap) is not installed", "Install it: sudo apt-get install -y bubblewrap");
}
