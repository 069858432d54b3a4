using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Workspaces that are refused, and configurations that a person has not seen.</summary>
public class WorkspaceTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_workspace_that_is_none_or_too_much_is_refused_without_a_terminal(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var file = home.Write(Path.Combine(home.Root, "file"), "text");
        Directory.CreateSymbolicLink(Path.Combine(home.Workspace, "to-home"), home.Home);
        foreach (var (path, part) in ((string, string)[])[
            (Path.Combine(home.Root, "missing"), "does not exist"), (file, "is a file"), ("/", "the whole file system"), (home.Home, "your whole home folder"), (home.Root, "your whole home folder"),
            (Path.Combine(home.Workspace, "to-home"), "your whole home folder"), (Path.Combine(home.State, "config"), "Moat's own folder"), (home.Providers, "Moat's own folder"), ("/proc", "/proc"), ("/sys/kernel", "/sys")])
        {
            var result = await home.MoatAsync("run", path, "--config", home.ConfigFile, "--", "true");
            Assert.True(result.ExitCode == 125, path + ": " + result);
            Assert.Contains(part, result.Err, StringComparison.Ordinal);
            Assert.Matches("\n  .+\n", result.Err);
        }
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_workspace_that_holds_moats_own_folders_shows_none_of_them(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var home = scene.Home;
        var result = await home.MoatAsync("run", home.State, "--config", home.ConfigFile, "--", "sh", "-c",
            "find /workspace -type f; echo evil >/workspace/config/x; mv /workspace/data /workspace/moved; rmdir /workspace/data; mkdir -p /workspace/config/providers; echo evil >/workspace/config/providers/evil.yaml; exit 0");
        Assert.Equal("", result.Out);
        Assert.False(File.Exists(Path.Combine(home.Providers, "evil.yaml")));
        Assert.True(Directory.Exists(Path.Combine(home.State, "data")));
        Assert.Equal(0, (await home.MoatAsync("grant", "show", "upstream")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_configuration_in_the_workspace_counts_only_as_it_was_approved(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var config = Path.Combine(home.Workspace, "moat.yaml");
        home.Write(config, "env:\n  FROM: config-1\nnetwork:\n  registries: false\n");
        string[] run = ["run", home.Workspace, "--", "sh", "-c", "echo $FROM"];
        var refused = await home.MoatAsync(run);
        Assert.Equal(125, refused.ExitCode);
        Assert.Contains("is not trusted yet", refused.Err, StringComparison.Ordinal);
        Assert.Contains("moat trust ", refused.Err, StringComparison.Ordinal);
        Assert.Equal(125, (await home.MoatAsync("trust", home.Workspace)).ExitCode);

        var trusted = await home.MoatAsync("trust", home.Workspace, "--yes");
        Assert.Equal(0, trusted.ExitCode);
        Assert.Equal("config-1\n", (await home.MoatAsync(run)).Out);
        Assert.Contains(home.Workspace, (await home.MoatAsync("trust", "--list")).Out, StringComparison.Ordinal);

        home.Write(config, "env:\n  FROM: config-2\nnetwork:\n  registries: false\n");
        Assert.Equal(125, (await home.MoatAsync(run)).ExitCode);
        home.Write(config, "env:\n  FROM: config-1\nnetwork:\n  registries: false\n");
        Assert.Equal(0, (await home.MoatAsync(run)).ExitCode);
        Assert.Equal(0, (await home.MoatAsync("trust", home.Workspace, "--revoke")).ExitCode);
        Assert.Equal(125, (await home.MoatAsync(run)).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_77_an_agent_that_writes_its_own_configuration_gains_nothing(string user)
    {
        using var home = new MoatHome(user);
        var first = await home.MoatAsync("run", home.Workspace, "--", "sh", "-c", "printf 'network:\\n  policy: permissive\\nmounts:\\n  - /:/host:ro\\n' >moat.yaml; ln -s / out; ls");
        Assert.True(first.ExitCode == 0, first.ToString());
        var second = await home.MoatAsync("run", home.Workspace, "--", "ls", "/host");
        Assert.Equal(125, second.ExitCode);
        Assert.DoesNotContain("usr", second.Out, StringComparison.Ordinal);
        // Named by hand it is still a file that the agent can write.
        Assert.Equal(125, (await home.MoatAsync("run", home.Workspace, "--config", Path.Combine(home.Workspace, "moat.yaml"), "--", "ls", "/host")).ExitCode);
        Assert.Equal(125, (await home.MoatAsync("run", Path.Combine(home.Workspace, "out"), "--", "true")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Init_writes_a_configuration_that_parses_and_runs(string user)
    {
        using var home = new MoatHome(user);
        var made = await home.MoatAsync("init", home.Workspace);
        Assert.True(made.ExitCode == 0, made.ToString());
        Assert.Equal(125, (await home.MoatAsync("init", home.Workspace)).ExitCode);
        Assert.Equal(0, (await home.MoatAsync("trust", home.Workspace, "--yes")).ExitCode);
        var run = await home.MoatAsync("run", home.Workspace, "--", "echo", "works");
        Assert.Equal("works\n", run.Out);
    }
}
