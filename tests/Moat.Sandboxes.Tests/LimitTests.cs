using Moat.Spec;

namespace Moat.Sandboxes.Tests;

/// <summary>T-76: what the agent may use up is bounded, and where it is not, that is said.</summary>
public sealed class LimitTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task T_76_a_fork_bomb_stays_inside_its_limit()
    {
        await using var fixture = new SandboxFixture();
        var spec = fixture.Spec("sh", "-c", "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; echo all") with { Limits = new LimitsSpec { Processes = 50 } };
        var (code, output, _) = await fixture.RunAsync(spec);
        Assert.NotEqual(0, code);
        Assert.DoesNotContain("all", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_76_commands_started_one_after_another_share_one_limit()
    {
        await using var fixture = new SandboxFixture();
        const string Many = "i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; echo all; read x";
        await using var sandbox = await fixture.StartAsync(fixture.Spec("sh", "-c", Many) with { Limits = new LimitsSpec { Processes = 70 } });
        using var first = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal("all", new StreamReader(first.Stdout).ReadLine());
        using var second = await sandbox.ExecAsync(["sh", "-c", Many], new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" }, null, TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await second.Exited.WaitAsync(Bound, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task T_80_a_host_that_cannot_bound_roots_processes_is_refused_unless_given_up()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            // An ordinary user's processes are bounded by a resource limit whatever the cgroups are.
            using var ordinary = SupervisorDeathTests.Supervise("running", "", "echo started");
            Assert.Contains("started", await ordinary.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
            return;
        }

        // A mount namespace of its own, whose cgroup folder is an empty one.
        string[] without = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys/fs/cgroup && exec \"$@\"", "sh"];
        using var refused = SupervisorDeathTests.Supervise("running", "", "echo started", without);
        var text = await refused.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Contains("bounds the number of processes", text, StringComparison.Ordinal);
        Assert.Contains("--downgrade limits", text, StringComparison.Ordinal);
        Assert.DoesNotContain("started", text, StringComparison.Ordinal);
        using var given = SupervisorDeathTests.Supervise("running", "limits", "echo started", without);
        var other = await given.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Contains("missing: cgroup-pids\nstarted", other, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("         0          0 4294967295\n", true)]
    [InlineData("         0       1000          1\n", false)]
    [InlineData("         0     100000      65536\n", false)]
    public void A_root_of_a_user_namespace_is_an_ordinary_user_of_the_host(string map, bool expected) => Assert.Equal(expected, ResourceLimits.HostRootIsRoot(map));

    [Fact]
    public async Task What_holds_and_what_is_missing_are_told_apart()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("true") with { Limits = new LimitsSpec { Processes = 100, MemoryMiB = 64, Cpus = 1 } });
        foreach (var limit in (string[])["cgroup-pids", "cgroup-memory", "cgroup-cpu"]) Assert.True(sandbox.Protections.Contains(limit) != sandbox.Missing.Contains(limit), limit);
        Assert.True(sandbox.Protections.Contains("cgroup-pids") || sandbox.Protections.Contains("rlimit-processes"));
        Assert.Equal(!Environment.IsPrivilegedProcess, sandbox.Protections.Contains("rlimit-processes"));
    }

    [Fact]
    public async Task T_76_memory_is_bounded_where_the_host_says_so()
    {
        await using var fixture = new SandboxFixture();
        var spec = fixture.Spec("/usr/bin/python3", "-c", "b = bytearray(400 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint('had it')") with { Limits = new LimitsSpec { MemoryMiB = 64 } };
        await using var sandbox = await fixture.StartAsync(spec);
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        var output = new StreamReader(process.Stdout).ReadToEnd();
        Assert.Equal(sandbox.Missing.Contains("cgroup-memory"), output.Contains("had it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_cgroup_is_left_behind_by_runs_that_ended_or_failed()
    {
        await using var fixture = new SandboxFixture();
        var good = fixture.Spec("sh", "-c", "i=0; while [ $i -lt 50 ]; do sleep 30 & i=$((i+1)); done");
        await fixture.RunAsync(good);
        var bad = fixture.Spec("true") with { Mounts = [new MountSpec("/nonexistent-folder", "/x", true, [])] };
        await Assert.ThrowsAsync<MoatException>(() => fixture.StartAsync(bad));
        Assert.Empty(Groups(good.Id).Concat(Groups(bad.Id)));
    }

    [Fact]
    public void A_group_without_controllers_says_so_and_goes_again()
    {
        using var fixture = new TemporaryFolder();
        var spec = new SandboxFixture().Spec("true");
        foreach (var root in (string[])["/sys/fs/cgroup/unified", "/sys/fs/cgroup", fixture.Path])
        {
            var group = ControlGroup.Prepare(spec, root);
            group.Join(0);
            Assert.Equal(["cgroup-pids"], group.Missing);
            Assert.Empty(group.Protections);
            Assert.False(group.TryFreeze());
            Assert.Empty(Groups(spec.Id));
        }
    }

    [Fact]
    public async Task T_76_using_up_descriptors_inside_harms_nobody_outside()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("/usr/bin/python3", "-c",
            "import os\nn=0\ntry:\n  while True: os.open('/dev/null', 0); n+=1\nexcept OSError as e: print(n, e.errno, flush=True)\nimport sys; sys.stdin.read()") with
        { Limits = new LimitsSpec { OpenFiles = 500 } });
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal("497 24", new StreamReader(process.Stdout).ReadLine());
        using var other = await sandbox.ExecAsync(["echo", "still here"], new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" }, null, TestContext.Current.CancellationToken);
        Assert.Equal("still here", new StreamReader(other.Stdout).ReadLine());
        using var here = File.OpenHandle("/dev/null");
    }

    private static IEnumerable<string> Groups(string id) => Directory.Exists("/sys/fs/cgroup")
        ? Directory.EnumerateDirectories("/sys/fs/cgroup", "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 6 }).Where(d => d.EndsWith(id, StringComparison.Ordinal))
        : [];

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("moat-cgroup-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
