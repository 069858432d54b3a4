using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>Carries bytes between the person and the agent, and a copy of the agent's into the log.</summary>
internal sealed class AgentPump
{
    private const int BufferSize = 64 * 1024;
    private readonly SandboxProcess _agent;
    private readonly RunLog _log;
    private readonly Streams _person;

    public AgentPump(SandboxProcess agent, RunLog log, Streams person)
    {
        _agent = agent;
        _log = log;
        _person = person;
    }

    /// <summary>Completes when the agent's outputs are at their end. Input goes on being read until the process ends.</summary>
    public Task RunAsync()
    {
        // The sandbox's streams block their thread, and a read of standard input cannot be cancelled: each direction has
        // a thread of its own.
        if (_agent.Stdin is { } stdin) Start("moat-stdin", () => Feed(stdin));
        var output = Start("moat-stdout", () => Copy(_agent.Stdout, _person.Output, _agent.Stderr is null ? "tty" : "stdout"));
        return _agent.Stderr is { } stderr ? Task.WhenAll(output, Start("moat-stderr", () => Copy(stderr, _person.Error, "stderr"))) : output;
    }

    private static Task Start(string name, Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception e)
            {
                // On the awaiting side it is a failure of the run; here it would end the process with the terminal raw.
                done.SetException(e);
            }
        })
        { IsBackground = true, Name = name }.Start();
        return done.Task;
    }

    private void Feed(Stream stdin)
    {
        var buffer = new byte[BufferSize];
        try
        {
            for (int read; (read = _person.Input.Read(buffer)) > 0;)
            {
                stdin.Write(buffer.AsSpan(0, read));
                stdin.Flush();
            }

            // The end of the person's input is the end of the agent's; on a terminal the agent sees a hang-up only when it is over.
            if (_agent.Stderr is not null) stdin.Dispose();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The agent reads no more, or is gone.
        }
    }

    private void Copy(Stream from, Stream to, string name)
    {
        var splitter = _log.Open(name);
        var buffer = new byte[BufferSize];
        var gone = false;
        while (true)
        {
            int read;
            try
            {
                read = from.Read(buffer);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The sandbox is being taken down.
                return;
            }

            if (read == 0) return;
            splitter.Add(buffer.AsSpan(0, read));
            if (gone) continue;
            try
            {
                to.Write(buffer.AsSpan(0, read));
                to.Flush();
            }
            catch (IOException)
            {
                // Nobody reads any more (`moat run | head`): the agent goes on, and so does the log.
                gone = true;
            }
        }
    }
}

/// <summary>The person's three streams.</summary>
internal sealed record Streams(Stream Input, Stream Output, Stream Error)
{
    public static Streams OfProcess() => new(StandardStream.Input, StandardStream.Output, StandardStream.Error);
}
