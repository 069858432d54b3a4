using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using Moat.Linux;
using Moat.Linux.Confinement;
using Moat.Linux.Control;
using Moat.Linux.Processes;

namespace Moat.Sandboxes;

/// <summary>A closed sandbox: its sockets are out, its agent is started by <see cref="StartAgentAsync"/>, and it ends whole.</summary>
public sealed class Sandbox : IAsyncDisposable
{
    /// <summary>For a process that hangs in the kernel (a dead network file system) Moat itself must not hang.</summary>
    internal static readonly TimeSpan LastWait = TimeSpan.FromSeconds(10);
    private readonly ControlChannel channel;
    private readonly NativeProcess process;
    private readonly PidDescriptor? init;
    private readonly ControlGroup group;
    private readonly SandboxOptions options;
    private readonly ConcurrentDictionary<int, Pending> pending = new();
    private readonly Thread listener;
    private readonly List<Thread> observers = [];
    private readonly Lock closing = new();
    private bool closed;
    private int lastId;
    private int ended;

    internal Sandbox(ControlChannel channel, NativeProcess process, PidDescriptor? init, SandboxListeners listeners, ControlGroup group, SandboxOptions options,
        ImmutableArray<string> protections, ImmutableArray<string> missing)
    {
        this.channel = channel;
        this.process = process;
        this.init = init;
        this.group = group;
        this.options = options;
        Listeners = listeners;
        Protections = protections;
        Missing = missing;
        listener = new Thread(Listen, 256 << 10) { IsBackground = true, Name = "sandbox control" };
        listener.Start();
    }

    public SandboxListeners Listeners { get; }

    /// <summary>What holds: names for the audit and for people.</summary>
    public ImmutableArray<string> Protections { get; }

    /// <summary>What this host could not give.</summary>
    public ImmutableArray<string> Missing { get; }

    /// <summary>Starts the run's command; once a sandbox.</summary>
    public Task<SandboxProcess> StartAgentAsync(TerminalSize? terminal, CancellationToken cancellation) =>
        ExecAsync(options.Spec.Command, options.Env, terminal, cancellation);

    /// <summary>Starts a further command behind the same fences.</summary>
    public async Task<SandboxProcess> ExecAsync(IReadOnlyList<string> argv, IReadOnlyDictionary<string, string> environment, TerminalSize? terminal, CancellationToken cancellation)
    {
        var id = Interlocked.Increment(ref lastId);
        var wait = pending[id] = new Pending();
        var frame = new FrameWriter(FrameKind.Start).Int(id).Int(terminal is null ? 0 : 1).Int(terminal?.Rows ?? 0).Int(terminal?.Columns ?? 0)
            .Text(options.Spec.Workspace.Target).Texts([.. argv]).Texts([.. environment.Select(e => e.Key + "=" + e.Value)]).ToArray();
        if (terminal is not null)
        {
            Send(frame);
            var descriptors = await wait.Started.Task.WaitAsync(cancellation).ConfigureAwait(false);
            var master = new SafeFileHandle(descriptors[0], ownsHandle: true);
            var stream = new DescriptorStream(master, true, true);
            return new SandboxProcess(stream, stream, null, master, wait.Exited.Task, number => Signal(id, number));
        }

        var (inRead, inWrite) = Descriptors.Pipe();
        var (outRead, outWrite) = Descriptors.Pipe();
        var (errRead, errWrite) = Descriptors.Pipe();
        using (inRead)
        using (outWrite)
        using (errWrite)
        {
            Send(frame, [Raw(inRead), Raw(outWrite), Raw(errWrite)]);
        }

        await wait.Started.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return new SandboxProcess(new DescriptorStream(inWrite, false, true), new DescriptorStream(outRead, true, false), new DescriptorStream(errRead, true, false),
            null, wait.Exited.Task, number => Signal(id, number));
    }

    /// <summary>Ends every process of the sandbox at once; returns when they are gone.</summary>
    public async Task KillAsync()
    {
        init?.Kill();
        process.Kill();
        await process.Exited.ConfigureAwait(false);
        if (init is not null) await Task.Run(() => init.WaitForEnd(LastWait)).ConfigureAwait(false);
    }

    /// <summary>Stops every process where it stands, by the cgroup's freezer or else by signal.</summary>
    public Task FreezeAsync()
    {
        if (!group.TryFreeze()) Signal(0, Libc.SIGSTOP);
        return Task.CompletedTask;
    }

    public Task ThawAsync()
    {
        if (!group.TryThaw()) Signal(0, Libc.SIGCONT);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref ended, 1) != 0) return;
        await KillAsync().ConfigureAwait(false);
        Listeners.Dispose();

        // The channel's number may be another file's as soon as it is closed: nothing reads or writes it after this.
        listener.Join();
        foreach (var observer in observers) observer.Join();
        lock (closing)
        {
            closed = true;
            _ = Libc.close(channel.Descriptor);
        }

        init?.Dispose();
        await group.RemoveAsync().ConfigureAwait(false);
    }

    private static int Raw(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private void Send(byte[] frame, params ReadOnlySpan<int> descriptors)
    {
        lock (closing)
        {
            if (closed) throw new IOException("the sandbox ended");
            channel.Send(frame, descriptors);
        }
    }

    private void Signal(int id, int number)
    {
        try
        {
            Send(new FrameWriter(FrameKind.Signal).Int(id).Int(number).ToArray());
        }
        catch (IOException)
        {
            // The sandbox ended first; whom the signal was for is gone.
        }
    }

    private void Listen()
    {
        try
        {
            while (channel.Receive() is { } message)
            {
                var frame = new FrameReader(message.Frame);
                if (!pending.TryGetValue(frame.Int(), out var wait)) continue;
                if (frame.Kind == FrameKind.Started)
                {
                    _ = frame.Int();
                    var descriptors = message.Descriptors;
                    if (frame.Int() != 0)
                    {
                        observers.Add(ExecListener.Start(descriptors[^1], options.OnExec));
                        descriptors = descriptors[..^1];
                    }

                    wait.Started.TrySetResult(descriptors);
                }
                else if (frame.Kind == FrameKind.Exited)
                {
                    var code = frame.Int();
                    var text = frame.Text();
                    if (text.Length > 0) wait.Started.TrySetException(new IOException(text));
                    wait.Exited.TrySetResult(code);
                }
            }
        }
        catch (IOException)
        {
            // A torn channel ends like a closed one.
        }

        // PID 1 is gone and everything with it.
        foreach (var wait in pending.Values)
        {
            wait.Started.TrySetException(new IOException("the sandbox ended"));
            wait.Exited.TrySetResult(128 + Libc.SIGKILL);
        }
    }

    private sealed class Pending
    {
        public TaskCompletionSource<int[]> Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<int> Exited { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
