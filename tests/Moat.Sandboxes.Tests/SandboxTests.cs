namespace Moat.Sandboxes.Tests;

public class SandboxTests
{
    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 3", 3)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("exec /nonexistent", 127)]
    [InlineData("exec /etc/passwd", 126)]
    public async Task The_exit_code_is_the_agents_own(string script, int expected)
    {
        await using var fixture = new SandboxFixture();
        var (code, output, error) = await fixture.ShellAsync(script);
        Assert.True(expected == code, $"{code}\n{output}\n{error}");
    }

    [Theory]
    [InlineData("no-such-program", 127, "command not found")]
    [InlineData("/etc/hosts", 126, "cannot run")]
    public async Task A_command_that_cannot_run_says_so_as_a_shell_does(string program, int expected, string text)
    {
        await using var fixture = new SandboxFixture();
        var (code, _, error) = await fixture.RunAsync(fixture.Spec(program));
        Assert.Equal(expected, code);
        Assert.Contains(text, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_and_output_are_whole_and_apart()
    {
        await using var fixture = new SandboxFixture();
        var input = string.Concat(Enumerable.Repeat("0123456789abcdef\n", 60_000));
        var (code, output, error) = await fixture.RunAsync(fixture.Spec("sh", "-c", "cat; echo bad >&2"), input);
        Assert.Equal(0, code);
        Assert.Equal(input, output);
        Assert.Equal("bad\n", error);
    }

    [Fact]
    public async Task The_workspace_is_shared_and_the_rest_of_the_host_is_not()
    {
        await using var fixture = new SandboxFixture();
        File.WriteAllText(Path.Combine(fixture.Workspace, "a"), "from the host");
        var (_, output, _) = await fixture.ShellAsync("cat a; echo made > b; ls -A / /home /home/agent /root /mnt 2>&1; ls /etc; id; ls -ln a; ps -e 2>/dev/null | wc -l; hostname; env");
        Assert.StartsWith("from the host", output, StringComparison.Ordinal);
        Assert.Equal("made\n", File.ReadAllText(Path.Combine(fixture.Workspace, "b")));
        Assert.DoesNotContain("shadow", output, StringComparison.Ordinal);
        Assert.DoesNotContain("ssh", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_is_its_own_with_size_interrupt_and_job_control()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("sh", "-c", "trap 'echo got-int; exit 7' INT; tty; stty size; echo ready; while :; do sleep 0.05; done"));
        using var process = await sandbox.StartAgentAsync(new TerminalSize(33, 101), TestContext.Current.CancellationToken);
        var reader = new StreamReader(process.Stdout);
        Assert.StartsWith("/dev/pts/", reader.ReadLine(), StringComparison.Ordinal);
        Assert.Equal("33 101", reader.ReadLine());
        Assert.Equal("ready", reader.ReadLine());
        process.Stdin!.Write([3]);
        Assert.Equal(7, await process.Exited.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.Contains("got-int", reader.ReadToEnd(), StringComparison.Ordinal);
    }
}
