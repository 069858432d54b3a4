using System.Text;

namespace Moat.Sandboxes.Tests;

/// <summary>The terminal is whole: size, job control, its special keys, its end.</summary>
public sealed class TerminalTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_new_size_reaches_the_program()
    {
        await using var session = await Session.StartAsync("sh", "-c", "trap 'stty size; exit 0' WINCH; echo ready; while :; do read x; done");
        session.Expect("ready");
        await session.Process.ResizeAsync(new TerminalSize(50, 133));
        session.Expect("50 133");
        Assert.Equal(0, await session.Process.Exited.WaitAsync(Bound, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Jobs_stop_and_go_on_in_an_interactive_shell()
    {
        await using var session = await Session.StartAsync("bash", "--norc", "--noprofile", "-i");
        session.Type("PS1='go''> '; echo be''gun\n");
        session.Expect("begun");
        session.Type("sh -c 'echo run''ning; read x; echo got-$x'\n");
        session.Expect("running");
        session.Type("\x1a");
        session.Expect("Stopped");
        session.Expect("go> ");
        session.Type("jobs | wc -l | sed s/^/jobs-/\n");
        session.Expect("jobs-1");
        session.Expect("go> ");
        session.Type("fg\n");
        session.Expect("read x");
        session.Type("word\n");
        session.Expect("got-word");
        session.Expect("go> ");
        session.Type("sleep 1000 &\nkill %1; wait %1; echo code-$?\n");
        session.Expect("code-143");

        // The prompt comes when the shell has the terminal in its own mode, in which this key is its end.
        session.Expect("go> ");
        session.Type("\x04");
        Assert.Equal(0, await session.Process.Exited.WaitAsync(Bound, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("\x1c", 131)]
    [InlineData("\x03", 130)]
    public async Task A_key_that_ends_programs_ends_this_one_as_the_signal_does(string key, int expected)
    {
        await using var session = await Session.StartAsync("sh", "-c", "echo ready; exec cat");
        session.Expect("ready");
        session.Type(key);
        Assert.Equal(expected, await session.Process.Exited.WaitAsync(Bound, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_end_of_input_ends_a_reader()
    {
        await using var session = await Session.StartAsync("sh", "-c", "echo ready; cat; echo done-$?");
        session.Expect("ready");
        session.Type("\x04");
        session.Expect("done-0");
        Assert.Equal(0, await session.Process.Exited.WaitAsync(Bound, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task T_73_the_terminal_is_not_the_hosts()
    {
        await using var session = await Session.StartAsync("sh", "-c", "tty; ls /dev/pts | tr '\\n' ' '; echo; ls /dev/tty[0-9]* /dev/console /dev/mem /dev/kmsg /dev/fuse /dev/kvm 2>/dev/null; echo end");
        session.Expect("/dev/pts/0");
        session.Expect("end");
        Assert.DoesNotContain("tty", session.Seen.Replace("/dev/pts", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("mem", session.Seen, StringComparison.Ordinal);
    }

    private sealed class Session : IAsyncDisposable
    {
        private readonly SandboxFixture fixture = new();
        private readonly StringBuilder text = new();
        private Sandbox? sandbox;
        private int at;

        public required SandboxProcess Process { get; set; }

        public string Seen => text.ToString();

        public static async Task<Session> StartAsync(params string[] command)
        {
            var session = new Session { Process = null! };
            session.sandbox = await session.fixture.StartAsync(session.fixture.Spec(command));
            session.Process = await session.sandbox.StartAgentAsync(new TerminalSize(24, 80), TestContext.Current.CancellationToken);
            return session;
        }

        public void Type(string keys) => Process.Stdin!.Write(Encoding.UTF8.GetBytes(keys));

        /// <summary>Reads on until the text has come; the end of the terminal first is a failure.</summary>
        public void Expect(string what)
        {
            var buffer = new byte[4096];
            int found;
            while ((found = text.ToString().IndexOf(what, at, StringComparison.Ordinal)) < 0)
            {
                var got = Process.Stdout.Read(buffer);
                Assert.True(got > 0, $"'{what}' did not come; seen: {text}");
                text.Append(Encoding.UTF8.GetString(buffer, 0, got));
            }

            at = found + what.Length;
        }

        public async ValueTask DisposeAsync()
        {
            Process.Dispose();
            await sandbox!.DisposeAsync();
            await fixture.DisposeAsync();
        }
    }
}
