using System.Diagnostics;
using Moat.Linux.Processes;

namespace Moat.Sandboxes.Tests;

/// <summary>T-76: whatever becomes of the supervisor, nothing of its sandbox lives on.</summary>
public sealed class SupervisorDeathTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("running")]
    [InlineData("frozen")]
    public async Task T_76_a_killed_supervisor_takes_every_process_with_it(string state)
    {
        var mark = "mark-" + Guid.NewGuid().ToString("n");
        using var supervisor = Supervise(state, "", $"mkfifo /tmp/up; exec 3<>/tmp/up; setsid sh -c 'trap \"\" TERM HUP; echo >&3; while :; do sleep 1000; done; : {mark}' & setsid sh -c 'echo >&3; sleep 1000; : {mark}' & read _ <&3; read _ <&3; echo started; wait; : {mark}");
        Assert.StartsWith("missing:", await supervisor.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        // "started" comes after both have said that they run: while a process is being executed, its command line reads as empty.
        Assert.Equal("started", await supervisor.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        var pids = SandboxFixture.ProcessesWith(mark).Where(pid => pid != supervisor.Id).ToArray();
        Assert.True(pids.Length >= 3, $"{pids.Length} processes");
        var open = pids.Select(PidDescriptor.TryOpen).ToArray();
        Assert.All(open, p => Assert.False(p!.WaitForEnd(TimeSpan.Zero)));
        supervisor.Kill();
        Assert.All(open, p => Assert.True(p!.WaitForEnd(Bound)));
        foreach (var process in open) process!.Dispose();
    }

    [Fact]
    public async Task When_KillAsync_returns_every_process_is_gone()
    {
        var mark = "mark-" + Guid.NewGuid().ToString("n");
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("sh", "-c", $"setsid sh -c 'sleep 1000; : {mark}' & echo started; wait; : {mark}"));
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal("started", new StreamReader(process.Stdout).ReadLine());
        Assert.NotEmpty(SandboxFixture.ProcessesWith(mark));
        await sandbox.KillAsync();
        Assert.Empty(SandboxFixture.ProcessesWith(mark));
        Assert.Equal(137, await process.Exited.WaitAsync(Bound, TestContext.Current.CancellationToken));
    }

    /// <summary>This executable as a supervisor in a process of its own.</summary>
    internal static Process Supervise(string state, string downgrade, string script, params string[] prefix)
    {
        string[] all = [.. prefix, Environment.ProcessPath!, "supervise", state, downgrade, script];
        return Process.Start(new ProcessStartInfo(all[0], all[1..]) { RedirectStandardOutput = true, Environment = { ["MOAT_INIT"] = SandboxFixture.InitPath() } })!;
    }
}
