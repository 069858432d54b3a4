namespace Moat.Runs.Tests;

public sealed class MissingProtectionsTests
{
    [Fact]
    public void Each_protection_that_can_be_missing_is_told_in_a_line_that_says_what_it_means()
    {
        string[] names = ["landlock", "ipv6", "cgroup-memory", "cgroup-cpu", "cgroup-pids", "landlock-ioctl", "landlock-scopes"];
        var lines = MissingProtections.Lines(names, []).ToArray();
        Assert.Equal(names.Length, lines.Length);
        Assert.All(names.Zip(lines), pair =>
        {
            Assert.StartsWith($"moat: without {pair.First}: ", pair.Second, StringComparison.Ordinal);
            Assert.DoesNotContain("cannot give it", pair.Second, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', pair.Second);
        });
        // The limit of the user bounds processes as well.
        Assert.Empty(MissingProtections.Lines(["cgroup-pids"], ["rlimit-processes"]));
    }
}
