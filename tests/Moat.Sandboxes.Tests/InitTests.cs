namespace Moat.Sandboxes.Tests;

/// <summary>PID 1's own work: orphans are reaped, everything stops and goes on at a word.</summary>
public sealed class InitTests
{
    [Fact]
    public async Task Orphans_are_reaped()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("sh", "-c", """
            i=0; while [ $i -lt 100 ]; do (sh -c 'exit 3' & ) ; i=$((i+1)); done
            # The last orphan's end is waited for by the pipe that only it holds.
            (sh -c 'exec 1>&3; echo last' 3>&1 &) | cat
            z=1; n=0; while [ $z -gt 0 ] && [ $n -lt 100000 ]; do z=$(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l); n=$((n+1)); done
            echo zombies-$z
            """));
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.EndsWith("zombies-0\n", new StreamReader(process.Stdout).ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frozen_sandbox_makes_no_step_and_a_thawed_one_goes_on()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("/usr/bin/python3", "-u", "-c", "f=open('count','ab',0)\nwhile True:\n  f.write(b'x')\n  print('x' * 1000)"));
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        var reader = new StreamReader(process.Stdout);
        reader.ReadLine();
        await sandbox.FreezeAsync();

        var pid = Assert.Single(SandboxFixture.ProcessesWith("open('count','ab',0)"), p => File.ReadAllText($"/proc/{p}/comm").StartsWith("python", StringComparison.Ordinal));
        using var wait = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!Stopped(pid)) wait.Token.ThrowIfCancellationRequested();
        var path = Path.Combine(fixture.Workspace, "count");
        var before = new FileInfo(path).Length;
        for (var i = 0; i < 1000; i++) Assert.Equal(before, new FileInfo(path).Length);
        await sandbox.ThawAsync();

        // Its output went on: far more than the pipe held.
        for (var i = 0; i < 1000; i++) Assert.NotNull(reader.ReadLine());
        Assert.True(new FileInfo(path).Length > before);
        await sandbox.KillAsync();
    }

    [Fact]
    public async Task A_frozen_sandbox_can_be_killed()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("sleep", "1000"));
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        await sandbox.FreezeAsync();
        await sandbox.KillAsync();
        Assert.Equal(137, await process.Exited.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_cancelled_start_leaves_nothing()
    {
        await using var fixture = new SandboxFixture();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.StartAsync(fixture.Spec("true"), cancellation: cancelled.Token));
        Assert.Empty(SandboxFixture.ProcessesWith(fixture.Workspace));
    }

    /// <summary>Stopped by signal (T), or waiting in the cgroup's freezer, which the kernel shows as the event <c>frozen 1</c>.</summary>
    private static bool Stopped(int pid)
    {
        if (File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].TrimStart()[0] == 'T') return true;
        var own = File.ReadLines($"/proc/{pid}/cgroup").FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal))?[3..] ?? "";
        return ((string[])["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]).Select(r => r + own + "/cgroup.events").Any(f => File.Exists(f) && File.ReadAllText(f).Contains("frozen 1", StringComparison.Ordinal));
    }
}
