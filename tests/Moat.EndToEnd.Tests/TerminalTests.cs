using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>A run at a real terminal, which <c>script</c> makes.</summary>
public class TerminalTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task The_agent_has_a_terminal_of_its_own_with_size_colours_and_job_control(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var (code, seen) = await AtTerminalAsync(home, """
            test -t 0 && test -t 1 && test -t 2 && echo all terminals
            echo "size $(stty size)"
            tty
            printf '\033[31mred\033[0m\n'
            set -m; sleep 100 & kill %1; wait %1; echo "job $?"
            exit 42
            """, "");
        Assert.Equal(42, code);
        Assert.Contains("all terminals", seen, StringComparison.Ordinal);
        Assert.Contains("size 33 111", seen, StringComparison.Ordinal);
        Assert.Matches("/dev/pts/[0-9]+|/dev/console", seen);
        Assert.Contains("\u001b[31mred\u001b[0m", seen, StringComparison.Ordinal);
        Assert.Contains("job 143", seen, StringComparison.Ordinal);
        // The outer terminal is in the mode it had before.
        Assert.Contains("before and after are alike", seen, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Ctrl_c_goes_to_the_agent_and_the_terminal_is_restored(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        home.Write(Path.Combine(home.Workspace, "agent.py"), """
            import os, signal
            # Python's own streams may not be entered twice, and the signal can come while "ready" is being printed.
            signal.signal(signal.SIGINT, lambda *_: (os.write(1, b"interrupted\n"), os._exit(17)))
            print("ready", flush=True)
            while True: signal.pause()
            """);
        var (code, seen) = await AtTerminalAsync(home, "exec /usr/bin/python3 agent.py", "\u0003", "ready");
        Assert.Equal(17, code);
        Assert.Contains("interrupted", seen, StringComparison.Ordinal);
        Assert.Contains("before and after are alike", seen, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_73_what_the_agent_pushes_into_its_terminal_is_not_typed_at_the_persons(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        home.Write(Path.Combine(home.Workspace, "push.py"), """
            import fcntl, os, termios
            for path in ("/dev/tty", "/proc/self/fd/0", "/proc/1/fd/0"):
                try:
                    fd = os.open(path, os.O_RDWR)
                    for c in b"echo pushed-$((40+2))\n": fcntl.ioctl(fd, 0x5412, bytes([c]))
                    print("pushed into", path)
                except OSError as e:
                    print("refused", path)
            try:
                fcntl.ioctl(0, 0x541C, b"\x03")
                print("linux worked")
            except OSError:
                pass
            """);
        var (_, seen) = await AtTerminalAsync(home, "/usr/bin/python3 push.py", "");
        Assert.Contains("refused /dev/tty", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("pushed into", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("linux worked", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("pushed-42", seen, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task The_home_folder_is_a_workspace_after_a_yes_and_not_after_a_no(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var (no, _) = await AtTerminalAsync(home, "echo ran-$((40+2))", "n\n", "all the same", home.Home);
        Assert.Equal(125, no);
        var (yes, seen) = await AtTerminalAsync(home, "echo ran-$((40+2))", "y\n", "all the same", home.Home);
        Assert.Equal(0, yes);
        Assert.Contains("ran-42", seen, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_grant_that_is_not_stored_is_asked_for_before_the_run_and_not_where_nobody_may_be_asked(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        home.Write(Path.Combine(home.Providers, "acme.yaml"), "name: acme\nhosts: [api.acme.test]\ninject: { header: X-Key }\ncontainer_env: [ACME_KEY]\n");
        home.Write(home.ConfigFile, "name: asked\ngrants: [acme]\n");
        var (no, _) = await AtTerminalAsync(home, "echo ran-$((40+2))", "n\n", "Store it now?");
        Assert.Equal(125, no);
        const string Secret = "typed-without-an-echo";
        var (yes, seen) = await AtTerminalAsync(home, "echo ran-$((40+2)) ${#ACME_KEY}", $"y\n{Secret}\n", "Store it now?");
        Assert.Equal(0, yes);
        Assert.Contains("ran-42 45", seen, StringComparison.Ordinal);
        var granted = await home.MoatAsync("grant", "list");
        Assert.Contains("acme", granted.Out, StringComparison.Ordinal);
        await home.MoatAsync("revoke", "acme");
        home.Env["MOAT_NO_PROMPT"] = "1";
        var (silent, told) = await AtTerminalAsync(home, "echo ran-$((40+2))", "");
        Assert.Equal(125, silent);
        Assert.DoesNotContain("Store it now?", told, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Seen)> AtTerminalAsync(MoatHome home, string script, string keys, string? when = null, string? workspace = null) =>
        Terminal.RunAsync(home, $"run {workspace ?? home.Workspace} --config {home.ConfigFile} -- sh -c \"$SCRIPT\"", script, keys, when);
}
