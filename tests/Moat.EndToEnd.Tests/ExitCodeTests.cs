using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>What scripts rely on: exit codes, streams and output forms.</summary>
public class ExitCodeTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task The_agents_exit_code_is_kept(string user)
    {
        using var home = NewHome(user);
        foreach (var (script, code) in ((string, int)[])[("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("kill -SEGV $$", 139)])
        {
            var result = await home.ScriptAsync(script);
            Assert.True(code == result.ExitCode, script + ": " + result);
        }

        home.Write(Path.Combine(home.Workspace, "not-executable"), "text");
        Assert.Equal(127, (await home.MoatAsync("run", "--config", home.ConfigFile, "--", "no-such-program")).ExitCode);
        Assert.Equal(127, (await home.MoatAsync("run", "--config", home.ConfigFile, "--", "./no-such-program")).ExitCode);
        Assert.Equal(126, (await home.MoatAsync("run", "--config", home.ConfigFile, "--", "./not-executable")).ExitCode);
        Assert.Equal(126, (await home.MoatAsync("run", "--config", home.ConfigFile, "--", "/usr")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Moats_own_errors_are_125_with_what_to_do(string user)
    {
        using var home = NewHome(user);
        foreach (var arguments in (string[][])[
            ["run", "--no-such-flag", "--", "true"], ["run", "--grant", "nobody-granted-this", "--", "true"], ["run"], ["nonsense"], ["run", ".", "extra", "--", "true"],
            ["logs", "nothing"], ["stop", "nothing"], ["run", "--name", "Not A Name", "--", "true"], ["run", "--mount", "/nowhere:/data", "--", "true"], ["run", "--allow-host", "http://x/", "--", "true"],
            ["run", "--config", "/nowhere/moat.yaml", "--", "true"], ["run", "-e", "=x", "--", "true"], ["revoke", "nobody-granted-this"], ["logs", "-n", "many"], ["run", "--", ""]])
        {
            var result = await home.MoatAsync(arguments);
            Assert.True(result.ExitCode == 125, string.Join(' ', arguments) + ": " + result);
            Assert.Matches("^moat: .+\n  .+\n", result.Err);
            Assert.Equal("", result.Out);
            Assert.DoesNotContain("   at ", result.Err, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_fault_in_the_configuration_has_file_line_and_column(string user)
    {
        using var home = NewHome(user);
        home.Write(home.ConfigFile, "name: x\nnetwork:\n  polcy: strict\n  rules:\n    - http://wrong\ncontainer:\n  memory: lots\n");
        var result = await home.ScriptAsync("true");
        Assert.Equal(125, result.ExitCode);
        Assert.Contains($"moat.yaml:3:3: \"polcy\" is not a key of network; did you mean \"policy\"?", result.Err, StringComparison.Ordinal);
        Assert.Matches("moat\\.yaml:5:\\d+: ", result.Err);
        Assert.Matches("moat\\.yaml:7:\\d+: ", result.Err);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Pipes_go_through_byte_for_byte_and_the_streams_stay_apart(string user)
    {
        using var home = NewHome(user);
        var echoed = await home.MoatAsync("one\ntwo\n", ["run", home.Workspace, "--config", home.ConfigFile, "--", "sh", "-c", "cat; echo to stderr >&2"]);
        Assert.Equal("one\ntwo\n", echoed.Out);
        Assert.Equal("to stderr\n", echoed.Err);
        var bytes = await home.ScriptAsync("head -c 1000000 /dev/urandom | tee copy | sha256sum; sha256sum <copy; cat copy | wc -c; test -t 0 || test -t 1 || test -t 2 || echo no terminal");
        var lines = bytes.Out.Split('\n');
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal(["1000000", "no terminal"], lines[2..4]);
        var big = await home.MoatAsync(new string('x', 3_000_000), ["run", home.Workspace, "--config", home.ConfigFile, "--", "wc", "-c"]);
        Assert.Equal("3000000\n", big.Out);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_dry_run_prints_the_spec_and_starts_nothing(string user)
    {
        using var home = NewHome(user);
        var result = await home.MoatAsync("run", home.Workspace, "--config", home.ConfigFile, "--name", "dry", "--allow-host", "a.example.test:8443", "-e", "K=V", "--dry-run", "--", "touch", "started");
        Assert.True(result.ExitCode == 0, result.ToString());
        var spec = JsonDocument.Parse(result.Out).RootElement;
        Assert.Equal("dry", spec.GetProperty("name").GetString());
        Assert.Equal(["touch", "started"], spec.GetProperty("command").EnumerateArray().Select(e => e.GetString()!));
        Assert.Equal("V", spec.GetProperty("env").GetProperty("K").GetString());
        Assert.Contains(spec.GetProperty("network").GetProperty("rules").EnumerateArray(), r => r.GetProperty("host").GetString() == "a.example.test" && r.GetProperty("port").GetInt32() == 8443);
        Assert.False(File.Exists(Path.Combine(home.Workspace, "started")));
        Assert.Equal("[]", (await home.MoatAsync("list", "--json")).Out.Trim());
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_variable_of_the_host_reaches_the_agent_only_by_name(string user)
    {
        using var home = NewHome(user);
        home.Env["AWS_SECRET_ACCESS_KEY"] = "host-value";
        home.Env["WANTED"] = "given";
        var result = await home.ScriptAsync("env; cat /proc/*/environ | tr '\\0' '\\n'", "-e", "WANTED");
        Assert.Contains("WANTED=given\n", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("host-value", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(home.Home, result.Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Sigterm_to_moat_reaches_the_agent(string user)
    {
        using var home = NewHome(user);
        await using var run = LiveRun.Start(home, "exec /usr/bin/python3 -c 'import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); print(\"ready\", flush=True); signal.pause()'");
        await run.UntilAsync("ready");
        run.Signal("TERM");
        Assert.Equal(9, (await run.EndAsync()).ExitCode);
    }

    internal static MoatHome NewHome(string user)
    {
        var home = new MoatHome(user);
        home.Write(home.ConfigFile, "network:\n  registries: false\n");
        return home;
    }
}
