using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>A host that cannot give what a sandbox needs: nothing runs, and the person learns what to do.</summary>
public class HostLackTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_80_without_bubblewrap_nothing_runs_and_the_mend_is_printed(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var result = await InsideAsync(home, ["--tmpfs", "/usr/bin"], "run", home.Workspace, "--config", home.ConfigFile, "--", "true");
        Assert.True(result.ExitCode == 125, result.ToString());
        Assert.Contains("bubblewrap", result.Err, StringComparison.Ordinal);
        Assert.Contains("apt-get install", result.Err, StringComparison.Ordinal);
        var doctor = await InsideAsync(home, ["--tmpfs", "/usr/bin"], "doctor");
        Assert.Contains("not installed", doctor.Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_80_without_user_namespaces_nothing_runs_and_the_mend_is_printed(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var result = await InsideAsync(home, ["--unshare-user", "--disable-userns"], "run", home.Workspace, "--config", home.ConfigFile, "--", "touch", "ran");
        Assert.True(result.ExitCode == 125, result.ToString());
        Assert.Contains("namespace", result.Err, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("\n  .+\n", result.Err);
        Assert.False(File.Exists(Path.Combine(home.Workspace, "ran")));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_80_a_protection_that_is_missing_is_told_at_the_start_and_recorded(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        home.Write(home.ConfigFile, await File.ReadAllTextAsync(home.ConfigFile, TestContext.Current.CancellationToken) + "\ncontainer:\n  memory: 512\n");
        var result = await InsideAsync(home, ["--tmpfs", "/sys/fs/cgroup"], "run", home.Workspace, "--config", home.ConfigFile, "--downgrade", "limits", "--", "echo", "runs");
        Assert.True(result.ExitCode == 0, result.ToString());
        var told = result.Err.Split('\n').Where(l => l.StartsWith("moat: without ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2].TrimEnd(':')).ToArray();
        Assert.Contains("cgroup-memory", told);
        var start = System.Text.Json.JsonDocument.Parse((await home.MoatAsync("audit", "--json")).Out).RootElement.EnumerateArray().Single(r => r.GetProperty("type").GetString() == "start.intent");
        Assert.Subset(start.GetProperty("payload").GetProperty("missing").EnumerateArray().Select(m => m.GetString()!).ToHashSet(), told.ToHashSet());
    }

    /// <summary>Moat on a host that an outer bubblewrap has taken something from, as the user under test.</summary>
    private static Task<Result> InsideAsync(MoatHome home, string[] flags, params string[] arguments)
    {
        var outer = Binary.StartInfo(home.User, []);
        string[] user = outer.FileName == Binary.Path ? [] : [outer.FileName, .. outer.ArgumentList.Take(outer.ArgumentList.Count - 1)];
        return home.WithinAsync([.. user, "/usr/bin/bwrap", "--dev-bind", "/", "/", .. flags, "--"], asSelf: true, arguments);
    }
}
