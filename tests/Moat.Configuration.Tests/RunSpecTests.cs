using System.Net.Sockets;
using Moat.Spec;

namespace Moat.Configuration.Tests;

public class RunSpecTests
{
    private static readonly HostRuleSpec s_grant = new("grant.example", 443, [], "grant github");
    private static readonly HostRuleSpec s_registry = new("registry.example", 443, [], "npm registry (.npmrc)");

    [Fact]
    public void Nothing_asked_for_is_strict_without_rules_and_has_pipes()
    {
        using var temp = new Temporary();
        var spec = temp.Build(new RunRequest());
        Assert.Matches("^run_[0-9a-f]{12}$", spec.Id);
        Assert.Matches("^work-space-[0-9a-f]{4}$", spec.Name);
        Assert.Equal(NetworkMode.Strict, spec.Network.Mode);
        Assert.Empty(spec.Network.Rules);
        Assert.False(spec.Interactive);
        Assert.Equal(Paths.Real(temp.Workspace), spec.Workspace.HostPath);
        Assert.Equal(("", ""), (spec.ConfigPath, spec.ConfigDigest));
        RunSpecJson.Deserialize(RunSpecJson.Serialize(spec));
    }

    [Fact]
    public void The_command_line_wins_over_the_file_and_lists_merge()
    {
        using var temp = new Temporary();
        Directory.CreateDirectory(Path.Combine(temp.Workspace, "a"));
        var file = temp.Load("""
            name: from-file
            command: [make]
            interactive: true
            grants: [github, openai]
            env: {A: file, B: file}
            mounts: [./a:/x, ./a:/y]
            downgrades: [landlock]
            network: {rules: [file.example], policy: permissive, host: [80]}
            container: {memory: 64, cpus: 2, ulimits: {nofile: {soft: 5, hard: 9}, nproc: {soft: 7, hard: 7}}}
            """);
        var request = new RunRequest
        {
            WorkspacePath = temp.Workspace,
            Command = ["true"],
            Name = "from-flag",
            Interactive = false,
            Grants = ["anthropic,github"],
            Env = ["A=flag=1", "C="],
            Mounts = ["./a:/y:ro"],
            AllowHosts = ["Flag.example:8443"],
            Profile = "work",
            Downgrades = ["cgroup"],
        };
        var spec = new RunSpecBuilder(temp.Directories).Build(request, file, [s_grant], [s_registry]);
        Assert.Equal("from-flag", spec.Name);
        Assert.Equal(["true"], spec.Command);
        Assert.False(spec.Interactive);
        Assert.Equal(["anthropic", "github", "openai"], spec.Grants.Select(g => g.Name));
        Assert.Equal(["A=flag=1", "B=file", "C="], spec.Env.Select(e => $"{e.Key}={e.Value}"));
        Assert.Equal(["/x False", "/y True"], spec.Mounts.Select(m => $"{m.Target} {m.ReadOnly}"));
        Assert.Equal(["flag.example", "file.example", "grant.example", "registry.example"], spec.Network.Rules.Select(r => r.Host));
        Assert.Equal(["--allow-host", "moat.yaml:8"], spec.Network.Rules.Take(2).Select(r => r.Origin));
        Assert.Equal(NetworkMode.Permissive, spec.Network.Mode);
        Assert.Equal((64L, 2.0, 9, 7), (spec.Limits.MemoryMiB, spec.Limits.Cpus, spec.Limits.OpenFiles, spec.Limits.Processes));
        Assert.Equal(["cgroup", "landlock"], spec.Downgrades);
        Assert.Equal((file.Path, file.Sha256, "work"), (spec.ConfigPath, spec.ConfigDigest, spec.Profile));

        var plain = temp.Build(new RunRequest(), file);
        Assert.Equal("from-file", plain.Name);
        Assert.Equal(["make"], plain.Command);
        Assert.True(plain.Interactive);
    }

    [Fact]
    public void Registries_can_be_turned_off()
    {
        using var temp = new Temporary();
        var file = temp.Load("network: {registries: false}");
        var spec = new RunSpecBuilder(temp.Directories).Build(new RunRequest { WorkspacePath = temp.Workspace, Command = ["true"] }, file, [s_grant], [s_registry]);
        Assert.Equal([s_grant], spec.Network.Rules);
    }

    [Fact]
    public void Wrong_flags_are_told_without_values_of_variables()
    {
        using var temp = new Temporary();
        foreach (var (request, part) in ((RunRequest, string)[])
        [
            (new() { Name = "Bad Name" }, "run name"), (new() { Grants = ["Bad Grant"] }, "grant's name"), (new() { AllowHosts = ["https://a.example"] }, "scheme"),
            (new() { Mounts = ["/x"] }, "source:target"), (new() { Env = ["1=secret-value"] }, "-e"), (new() { Env = ["MOAT_TEST_SURELY_UNSET"] }, "no variable"), (new() { Command = [""] }, "empty word"), (new() { Downgrades = ["No Such"] }, "protection"),
        ])
        {
            var thrown = Assert.Throws<MoatException>(() => temp.Build(request));
            Assert.Contains(part, thrown.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret-value", thrown.Message + thrown.Mend, StringComparison.Ordinal);
        }
        var none = Assert.Throws<MoatException>(() => new RunSpecBuilder(temp.Directories).Build(new RunRequest { WorkspacePath = temp.Workspace }, null, [], []));
        Assert.Contains("no command", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_workspace_that_is_none_is_refused_and_a_home_or_root_asks()
    {
        using var temp = new Temporary();
        Assert.Contains("does not exist", Refused(Path.Combine(temp.Root, "none")), StringComparison.Ordinal);
        Assert.Contains("is a file", Refused(temp.Write("file", "")), StringComparison.Ordinal);
        temp.Directories.Create();
        Assert.Contains("Moat's own", Refused(temp.Directories.RunsDirectory), StringComparison.Ordinal);
        Assert.Contains("/proc", Refused("/proc/self"), StringComparison.Ordinal);
        Assert.True(WorkspaceCheck.Of("/", temp.Directories).NeedsConfirmation);
        Assert.True(WorkspaceCheck.Of(temp.Home, temp.Directories).NeedsConfirmation);
        Assert.True(WorkspaceCheck.Of(temp.Root, temp.Directories).NeedsConfirmation);
        Assert.False(WorkspaceCheck.Of(temp.Workspace, temp.Directories).NeedsConfirmation);

        var link = Path.Combine(temp.Workspace, "link");
        File.CreateSymbolicLink(link, temp.Home);
        Assert.True(WorkspaceCheck.Of(link, temp.Directories).NeedsConfirmation);
        File.CreateSymbolicLink(link + "2", link + "3");
        File.CreateSymbolicLink(link + "3", link + "2");
        Assert.Contains("circle", Refused(link + "2"), StringComparison.Ordinal);

        string Refused(string path) => Assert.Throws<MoatException>(() => WorkspaceCheck.Of(path, temp.Directories)).Message;
    }

    [Fact]
    public void A_home_as_workspace_hides_the_folders_of_moat()
    {
        using var temp = new Temporary();
        var spec = new RunSpecBuilder(temp.Directories).Build(new RunRequest { WorkspacePath = temp.Home, Command = ["true"] }, null, [], []);
        var hidden = Assert.Single(spec.Mounts);
        Assert.Equal((spec.Workspace.HostPath, "/workspace", false), (hidden.Source, hidden.Target, hidden.ReadOnly));
        Assert.Equal([".config/moat", ".local/share/moat", ".local/state/moat"], hidden.Excludes);
        // They exist, so that the agent cannot make them first.
        Assert.All(hidden.Excludes, folder => Assert.True(Directory.Exists(Path.Combine(temp.Home, folder))));

        var own = new RunSpecBuilder(temp.Directories).Build(new RunRequest { WorkspacePath = temp.Home, Command = ["true"], Mounts = [".:/workspace"] }, null, [], []);
        Assert.Equal(hidden.Excludes, Assert.Single(own.Mounts).Excludes);
        Assert.Contains("Moat's own", MountRefused(temp, temp.Home, ".local:/x"), StringComparison.Ordinal);
    }

    [Fact]
    public void Mounts_that_open_the_host_are_refused()
    {
        using var temp = new Temporary();
        temp.Directories.Create();
        var docker = Path.Combine(temp.Home, ".docker/run");
        Directory.CreateDirectory(docker);
        Directory.CreateDirectory(Path.Combine(temp.Root, "sockets"));
        File.WriteAllText(Path.Combine(temp.Root, "sockets/containerd.sock"), "");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(temp.Root, "agent")));
        File.CreateSymbolicLink(Path.Combine(temp.Root, "innocent"), temp.Directories.DataDirectory);
        foreach (var source in (string[])
        [
            "/", "/proc", "/proc/1", "/sys/kernel", "/dev", "/dev/null", "/run", "/run/../run", "~", "~/.config/moat", "~/.local/share/moat", temp.Directories.RunsDirectory,
            temp.Home, temp.Root, docker, "~/.docker", temp.Root + "/sockets", temp.Root + "/sockets/containerd.sock", temp.Root + "/agent", temp.Root + "/innocent",
        ])
            Assert.Contains("is refused", MountRefused(temp, temp.Workspace, source + ":/x"), StringComparison.Ordinal);
        Assert.Contains("does not exist", MountRefused(temp, temp.Workspace, "nothing:/x"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_the_agent_put_in_place_of_a_mounts_source_does_not_lead_out()
    {
        using var temp = new Temporary();
        var keys = Path.Combine(temp.Home, "keys");
        Directory.CreateDirectory(keys);
        File.CreateSymbolicLink(Path.Combine(temp.Workspace, "data"), keys);
        Assert.Contains("leads out of the workspace", MountRefused(temp, temp.Workspace, "./data:/x"), StringComparison.Ordinal);
        File.CreateSymbolicLink(Path.Combine(temp.Workspace, "rel"), "../home/keys");
        Assert.Contains("leads out of the workspace", MountRefused(temp, temp.Workspace, "./rel:/x"), StringComparison.Ordinal);
        File.CreateSymbolicLink(Path.Combine(temp.Root, "ws"), temp.Workspace);
        Assert.Contains("leads out of the workspace", MountRefused(temp, temp.Workspace, temp.Root + "/ws/data:/x"), StringComparison.Ordinal);
        Assert.Equal(Paths.Real(keys), temp.Build(new RunRequest { Mounts = ["../home/keys:/x:ro", "~/keys:/y"] }).Mounts[0].Source);
    }

    [Fact]
    public void Folders_follow_the_environment_and_are_private()
    {
        using var temp = new Temporary();
        var plain = temp.Directories;
        Assert.Equal(Path.Combine(temp.Home, ".config/moat"), plain.ConfigDirectory);
        Assert.Equal(Path.Combine(temp.Home, ".local/share/moat"), plain.DataDirectory);
        Assert.Equal(Path.Combine(temp.Home, ".local/state/moat/runs/run_x"), plain.RunDirectory("run_x"));
        plain.Create();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(plain.RunsDirectory));
        Assert.False(Directory.Exists(Path.Combine(temp.Home, ".moat")));

        var xdg = MoatDirectories.From(n => n switch { "HOME" => "/h", "XDG_CONFIG_HOME" => "/c", "XDG_DATA_HOME" => "relative", "XDG_STATE_HOME" => "", _ => null });
        Assert.Equal(("/c/moat", "/h/.local/share/moat", "/h/.local/state/moat"), (xdg.ConfigDirectory, xdg.DataDirectory, xdg.StateDirectory));
        var one = MoatDirectories.From(n => n switch { "HOME" => "/h", "MOAT_HOME" => "/m/", "XDG_CONFIG_HOME" => "/c", _ => null });
        Assert.Equal(("/m/config", "/m/data", "/m/state"), (one.ConfigDirectory, one.DataDirectory, one.StateDirectory));
    }

    private static string MountRefused(Temporary temp, string workspace, string mount)
        => Assert.Throws<MoatException>(() => new RunSpecBuilder(temp.Directories).Build(new RunRequest { WorkspacePath = workspace, Command = ["true"], Mounts = [mount] }, null, [], [])).Message;
}
