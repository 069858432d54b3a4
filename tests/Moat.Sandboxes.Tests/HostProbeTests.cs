namespace Moat.Sandboxes.Tests;

public sealed class HostProbeTests
{
    [Fact]
    public async Task What_the_probe_says_is_what_a_run_gets()
    {
        var checks = HostProbe.Run().ToDictionary(c => c.Name, StringComparer.Ordinal);
        Assert.All(checks.Values, c => Assert.True(c.Detail.Length > 0 && (c.Ok || !c.Required || c.Mend.Length > 0), c.ToString()));
        Assert.Contains(Environment.OSVersion.Version.ToString(2), checks["kernel"].Detail, StringComparison.Ordinal);
        Assert.Matches(@"^\d+\.\d+", checks["bubblewrap"].Detail);
        Assert.True(checks["user namespaces"].Ok, checks["user namespaces"].Detail);
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("true") with { Limits = new Moat.Spec.LimitsSpec { Processes = 100, MemoryMiB = 100, Cpus = 1 } });
        Assert.Equal(checks["landlock"].Ok, sandbox.Protections.Any(p => p.StartsWith("landlock-abi-", StringComparison.Ordinal)));
        Assert.Equal(checks["cgroup limits"].Ok, !sandbox.Missing.Any(m => m.StartsWith("cgroup-", StringComparison.Ordinal)));
        Assert.Equal(checks["IPv6 capture"].Ok, !sandbox.Missing.Contains("ipv6"));
    }

    [Fact]
    public void The_probe_leaves_no_cgroup()
    {
        _ = HostProbe.Run();
        Assert.DoesNotContain(Directory.EnumerateDirectories("/sys/fs/cgroup", "probe-*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 6 }), _ => true);
    }
}
