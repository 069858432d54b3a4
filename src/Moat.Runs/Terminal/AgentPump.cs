using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>Carries bytes between the person and the agent, and a copy of the agent's into the log.</summary>
internal sealed class AgentPump
{
    private const int BufferSize = 64 * 1024;
    private const byte NewLine = 10;
    private const byte EndOfInput = 4;
    private static readonly TimeSpan s_nextReader = TimeSpan.FromSeconds(1);
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
        byte last = NewLine;
        try
        {
            for (int read; (read = _person.Input.Read(buffer)) > 0;)
            {
                stdin.Write(buffer.AsSpan(0, read));
                stdin.Flush();
                last = buffer[read - 1];
            }

            // The end of the person's input is the end of the agent's.
            if (_agent.Stderr is not null) stdin.Dispose();
            else TypeEnd(stdin, last);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The agent reads no more, or is gone.
        }
    }

    /// <summary>
    /// A terminal has no end that could be passed on, so the key for it is pressed (VEOF, termios(3)): once more behind a
    /// line that was not finished, for there it only hands the line over; and again for each later reader, since the end
    /// of a pipe stays the end.
    /// </summary>
    private void TypeEnd(Stream stdin, byte last)
    {
        if (last != NewLine) stdin.WriteByte(EndOfInput);
        do
        {
            stdin.WriteByte(EndOfInput);
            stdin.Flush();
        }
        while (Task.WaitAny([_agent.Exited], s_nextReader) < 0);
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
