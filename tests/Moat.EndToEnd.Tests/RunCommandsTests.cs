using System.Text.Json;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>What a person sees of runs and does with them, while they go on and afterwards.</summary>
public class RunCommandsTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_running_run_is_listed_followed_and_stopped(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        home.Write(Path.Combine(home.Workspace, "agent.py"), "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\nfor i in range(1, 6): print('line', i)\nprint('ready', flush=True)\ninput()\nprint('after', flush=True)\nwhile True: signal.pause()\n");
        await using var run = LiveRun.Start(home, "exec /usr/bin/python3 agent.py", "--name", "live");
        await run.UntilAsync("ready");
        var listed = JsonDocument.Parse((await home.MoatAsync("list", "--json")).Out).RootElement[0];
        Assert.Equal("live", listed.GetProperty("name").GetString());
        Assert.Equal("running", listed.GetProperty("state").GetString());
        Assert.Matches("live +run_[0-9a-f]{12} +running ", (await home.MoatAsync("ls")).Out);
        Assert.Contains("live", (await home.MoatAsync("status")).Out, StringComparison.Ordinal);
        Assert.Equal("line 5\nready\n", (await home.MoatAsync("logs", "live", "-n", "2")).Out);

        using var follow = home.Start("logs", "-f", "live", "-n", "1");
        Assert.Equal("ready", await follow.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await run.SayAsync("go");
        Assert.Equal("after", await follow.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));

        var busy = await home.MoatAsync("destroy", "live");
        Assert.Equal(125, busy.ExitCode);
        var stopped = await home.MoatAsync("stop", "live", "--grace", "5");
        Assert.True(stopped.ExitCode == 0, stopped.ToString());
        var result = await run.EndAsync();
        Assert.Equal(5, result.ExitCode);
        await follow.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(0, follow.ExitCode);
        Assert.Equal("stopped", JsonDocument.Parse((await home.MoatAsync("list", "--json")).Out).RootElement[0].GetProperty("state").GetString());
        var again = await home.MoatAsync("stop", "live");
        Assert.Equal(125, again.ExitCode);
        Assert.Contains("not running", again.Err, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Runs_are_found_by_id_prefix_and_name_and_an_ambiguous_one_is_refused(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        foreach (var name in (string[])["first", "second"]) await home.ScriptAsync($"echo {name}", "--name", name);
        var runs = JsonDocument.Parse((await home.MoatAsync("list", "--json")).Out).RootElement.EnumerateArray().ToDictionary(r => r.GetProperty("name").GetString()!, r => r.GetProperty("id").GetString()!);
        foreach (var name in (string[])["first", "second"])
        {
            var id = runs[name];
            var shortest = Enumerable.Range(5, 12).Select(n => id[..n]).First(p => runs.Values.Count(other => other.StartsWith(p, StringComparison.Ordinal)) == 1);
            foreach (var key in (string[])[name, id, shortest]) Assert.Equal(name + "\n", (await home.MoatAsync("logs", key)).Out);
        }

        // The newest without a word.
        Assert.Equal("second\n", (await home.MoatAsync("logs")).Out);
        var ambiguous = await home.MoatAsync("logs", "run_");
        Assert.Equal(125, ambiguous.ExitCode);
        Assert.All(runs.Values, id => Assert.Contains(id, ambiguous.Err, StringComparison.Ordinal));
        Assert.Contains("no run", (await home.MoatAsync("logs", "third")).Err, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Trace_audit_and_the_other_listings_print_tables_and_json(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await scene.Home.ScriptAsync($"curl -sS https://{Scene.ApiHost}/whoami; curl -sS https://{Scene.ForbiddenHost}/no; curl -sS -d 12345 https://{Scene.EchoHost}/upload", "--name", "listed");
        var trace = JsonDocument.Parse((await scene.Home.MoatAsync("trace", "--network", "--json")).Out).RootElement;
        Assert.True(trace.GetArrayLength() >= 3);
        var table = (await scene.Home.MoatAsync("trace", "--network", "-v")).Out;
        foreach (var part in (string[])[$"https://{Scene.ApiHost}/whoami", "GET", "POST", "200", "upstream", Scene.ForbiddenHost, "moat.yaml"]) Assert.Contains(part, table, StringComparison.Ordinal);
        Assert.Contains("Sealed: all", (await scene.Home.MoatAsync("audit")).Out, StringComparison.Ordinal);
        foreach (var arguments in (string[][])[["list"], ["audit"], ["status"], ["doctor"], ["grant", "list"], ["grant", "show", "upstream"], ["grant", "providers"], ["trust", "--list"], ["version"], ["clean", "--dry-run"], ["audit", "verify", "listed"],
            ["trace", "--network"], ["run", scene.Home.Workspace, "--config", scene.Home.ConfigFile, "--dry-run", "--", "true"]])
        {
            var json = await scene.Home.MoatAsync([.. arguments, "--json"]);
            using var parsed = JsonDocument.Parse(json.Out);
            AssertSpelled(parsed.RootElement);
            Assert.NotEqual("", (await scene.Home.MoatAsync(arguments)).Out);
        }

        foreach (var line in (await scene.Home.MoatAsync("logs", "--json")).Out.TrimEnd().Split('\n')) Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(line).RootElement.ValueKind);
    }

    /// <summary>Words for states and kinds are lower case with dashes, names of fields camel case, everywhere.</summary>
    private static void AssertSpelled(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) AssertSpelled(item);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                // What was recorded, and what the person named, has names of its own.
                if (property.Name is "payload" or "env" or "resolve") continue;
                Assert.Matches("^[a-z][A-Za-z0-9]*$", property.Name);
                if (property.Name is "state" or "status" or "kind" or "mode" && property.Value.ValueKind == JsonValueKind.String) Assert.Matches("^[a-z0-9/_-]+$", property.Value.GetString());
                AssertSpelled(property.Value);
            }
        }
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Destroy_and_clean_remove_what_is_over_and_ask_first(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        foreach (var name in (string[])["one", "two", "three"]) await home.ScriptAsync("true", "--name", name);
        var asked = await home.MoatAsync("destroy", "one");
        Assert.Equal(125, asked.ExitCode);
        Assert.Contains("destroy -f", asked.Err, StringComparison.Ordinal);
        Assert.Equal(0, (await home.MoatAsync("destroy", "-f", "one")).ExitCode);
        Assert.Equal(125, (await home.MoatAsync("clean")).ExitCode);
        Assert.Equal(2, JsonDocument.Parse((await home.MoatAsync("list", "--json")).Out).RootElement.GetArrayLength());
        await using var live = LiveRun.Start(home, "echo ready; read a || true", "--name", "live");
        await live.UntilAsync("ready");
        Assert.Equal(0, (await home.MoatAsync("clean", "-f")).ExitCode);
        Assert.Equal("live", Assert.Single(JsonDocument.Parse((await home.MoatAsync("list", "--json")).Out).RootElement.EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(0, (await live.EndAsync()).ExitCode);
        Assert.Equal(0, (await home.MoatAsync("logs", "live")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_name_or_a_workspace_in_use_is_refused_until_it_is_free(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        var second = Directory.CreateDirectory(Path.Combine(home.Root, "second")).FullName;
        Binary.GiveTo(user, second);
        await using var run = LiveRun.Start(home, "echo ready; read a || true", "--name", "taken");
        await run.UntilAsync("ready");
        var name = await home.MoatAsync("run", second, "--config", home.ConfigFile, "--name", "taken", "--", "true");
        Assert.Equal(125, name.ExitCode);
        Assert.Contains("\"taken\" is in use by the running run_", name.Err, StringComparison.Ordinal);
        var workspace = await home.ScriptAsync("true");
        Assert.Equal(125, workspace.ExitCode);
        Assert.Contains("is the workspace of the running run_", workspace.Err, StringComparison.Ordinal);
        Assert.Equal(0, (await home.MoatAsync("run", second, "--config", home.ConfigFile, "--name", "other", "--", "true")).ExitCode);
        await run.EndAsync();
        Assert.Equal(0, (await home.ScriptAsync("true", "--name", "taken")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task All_that_moat_keeps_is_closed_to_others(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await scene.Home.ScriptAsync("umask 0; echo x");
        var state = scene.Home.State;
        foreach (var path in Directory.EnumerateFileSystemEntries(state, "*", SearchOption.AllDirectories).Append(state))
        {
            // The folder of the test's own provider was made by the test.
            if (path.StartsWith(Path.Combine(state, "config"), StringComparison.Ordinal)) continue;
            var mode = File.GetUnixFileMode(path);
            Assert.True((mode & (UnixFileMode)0b000_111_111) == 0, $"{path} is {mode}");
        }
    }
}
