using System.Text.Json;
using System.Text.RegularExpressions;
using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4g: the log of a real run, taken to another machine, tampered with, and cut off by a crash.</summary>
public class AuditTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_90_every_tampering_with_an_exported_log_is_named(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await scene.Home.ScriptAsync($"for i in 1 2 3 4 5; do curl -sS https://{Scene.ApiHost}/$i; done; curl -sS https://{Scene.ForbiddenHost}/no", "--name", "audited");
        var file = Path.Combine(scene.Home.Workspace, "log");
        var exported = await scene.Home.MoatAsync("audit", "audited", "--export", file);
        Assert.True(exported.ExitCode == 0, exported.ToString());
        var key = Regex.Match(exported.Out + exported.Err, "--key '([^']+)'").Groups[1].Value;
        Assert.NotEqual("", key);
        var lines = File.ReadAllLines(file);
        Assert.True(lines.Length > 12);

        // Another machine: nothing is known there but the file and the key.
        using var elsewhere = new MoatHome(user);
        var good = await VerifyAsync(elsewhere, lines, key);
        Assert.Equal((0, "sealed", "none"), (good.Code, good.Status, good.Kind));

        foreach (var (what, kind, bad, change) in ((string, string, long?, Func<string[], string[]>)[])[
            ("an edited time", "edit", 5, l => With(l, 6, x => x.Replace("\"time\":\"2", "\"time\":\"1", StringComparison.Ordinal))),
            ("an edited payload", "edit", 3, l => With(l, 4, x => x.Replace("\"payload\":{", "\"payload\":{\"a\":1,", StringComparison.Ordinal))),
            ("a deleted line", "gap", 4, l => [.. l[..5], .. l[6..]]),
            ("a swap", "swap", 4, l => [.. l[..5], l[6], l[5], .. l[7..]]),
            ("a doubled line", "insert", null, l => [.. l[..6], l[5], .. l[6..]]),
            ("a cut tail", "truncated-tail", lines.Length - 3, l => l[..^2]),
            ("a forged line after the seal", "", null, l => [.. l, l[^1]])])
        {
            var changed = change([.. lines]);
            Assert.NotEqual(lines, changed);
            var report = await VerifyAsync(elsewhere, changed, key);
            Assert.True(report.Code == 1 && report.Status == "tampered", $"{what}: {report}");
            if (kind.Length > 0) Assert.True(kind == report.Kind, $"{what}: {report}");
            if (bad is not null) Assert.True(bad == report.Bad, $"{what}: {report}");
        }
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_90_neither_an_older_copy_nor_another_runs_log_passes_for_this_one(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await using var run = LiveRun.Start(scene.Home, $"curl -sS https://{Scene.ApiHost}/a; echo; echo half; read a; for i in 1 2 3; do curl -sS https://{Scene.ApiHost}/b; done", "--name", "long");
        await run.UntilAsync("half");
        var log = Path.Combine(Directory.EnumerateDirectories(Path.Combine(scene.Home.State, "state", "runs"), "run_*").Single(), "audit.jsonl");
        var older = await File.ReadAllBytesAsync(log, TestContext.Current.CancellationToken);
        await run.SayAsync("go");
        Assert.Equal(0, (await run.EndAsync()).ExitCode);
        Assert.Equal(0, (await scene.Home.MoatAsync("audit", "long")).ExitCode);
        var whole = await File.ReadAllBytesAsync(log, TestContext.Current.CancellationToken);
        // The older copy with the checkpoints of now.
        await File.WriteAllBytesAsync(log, older, TestContext.Current.CancellationToken);
        var cut = await scene.Home.MoatAsync("audit", "long");
        Assert.True(cut.ExitCode == 1, cut.ToString());
        Assert.Contains("TAMPERED", cut.Out, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(log, whole, TestContext.Current.CancellationToken);
        Assert.Equal(0, (await scene.Home.MoatAsync("audit", "long")).ExitCode);

        // A log that is good in itself, signed by somebody else.
        using var stranger = ExitCodeTests.NewHome(user);
        await stranger.ScriptAsync("true", "--name", "foreign");
        var file = Path.Combine(stranger.Workspace, "log");
        var foreign = Regex.Match((await stranger.MoatAsync("audit", "foreign", "--export", file)) + "", "--key '([^']+)'").Groups[1].Value;
        var mine = Path.Combine(scene.Home.Workspace, "log");
        var key = Regex.Match((await scene.Home.MoatAsync("audit", "long", "--export", mine)) + "", "--key '([^']+)'").Groups[1].Value;
        Assert.NotEqual(foreign, key);
        Assert.Equal("tampered", (await VerifyAsync(scene.Home, File.ReadAllLines(file), key)).Status);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_90_a_log_cut_together_with_its_checkpoints_is_told_from_a_crash_by_the_witness(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await using var run = LiveRun.Start(scene.Home, $"curl -sS https://{Scene.ApiHost}/a; echo; echo half; read a; curl -sS https://{Scene.ApiHost}/b", "--name", "cut");
        await run.UntilAsync("half");
        var folder = Directory.EnumerateDirectories(Path.Combine(scene.Home.State, "state", "runs"), "run_*").Single();
        var witness = Path.Combine(scene.Home.State, "state", "witness", Path.GetFileName(folder));
        string[] files = [Path.Combine(folder, "audit.jsonl"), Path.Combine(folder, "audit.jsonl.checkpoints")];
        // Somebody who wants the rest forgotten keeps both as they are at a checkpoint.
        var kept = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watcher = new FileSystemWatcher(Path.Combine(scene.Home.State, "state")) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        void Look()
        {
            if (File.Exists(witness) && new FileInfo(files[1]).Length > 0) kept.TrySetResult();
        }

        watcher.Created += (_, _) => Look();
        watcher.Changed += (_, _) => Look();
        watcher.Renamed += (_, _) => Look();
        Look();
        await kept.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(0, (await scene.Home.MoatAsync("audit", "verify", "cut")).ExitCode);
        var older = files.Reverse().Select(File.ReadAllBytes).Reverse().ToArray();
        await run.SayAsync("go");
        Assert.Equal(0, (await run.EndAsync()).ExitCode);
        Assert.Equal((0, "sealed"), await StatusAsync(scene.Home, "cut"));

        for (var i = 0; i < files.Length; i++) await File.WriteAllBytesAsync(files[i], older[i], TestContext.Current.CancellationToken);
        var verdict = await scene.Home.MoatAsync("audit", "verify", "cut");
        Assert.True(verdict.ExitCode == 1, verdict.ToString());
        Assert.Contains("rolled back", verdict.Out, StringComparison.Ordinal);
        Assert.Equal((1, "tampered"), await StatusAsync(scene.Home, files[0]));
        Assert.Equal(1, (await scene.Home.MoatAsync("audit", "cut")).ExitCode);

        // The other machine learns it from the bundle, and from the witness alone.
        var bundle = Path.Combine(scene.Home.Workspace, "bundle");
        Assert.Equal(0, (await scene.Home.MoatAsync("audit", "cut", "--export", bundle)).ExitCode);
        using var elsewhere = new MoatHome(user);
        Assert.Equal((1, "tampered"), await StatusAsync(elsewhere, bundle));
        File.Delete(witness);
        Assert.Equal(0, (await scene.Home.MoatAsync("audit", "cut", "--export", bundle)).ExitCode);
        Assert.Equal((0, "clean-crash"), await StatusAsync(elsewhere, bundle));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task The_witness_of_a_run_is_used_wherever_it_is_taken_and_goes_with_the_run(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        await home.ScriptAsync("true", "--name", "one");
        await home.ScriptAsync("true", "--name", "two");
        var folders = Directory.GetFiles(Path.Combine(home.State, "state", "witness"));
        Assert.Equal(2, folders.Length);
        var bundle = Path.Combine(home.Workspace, "bundle");
        Assert.Equal(0, (await home.MoatAsync("audit", "one", "--export", bundle)).ExitCode);
        using var elsewhere = new MoatHome(user);
        var verdicts = new List<int>();
        foreach (var witness in folders) verdicts.Add((await elsewhere.MoatAsync("audit", "verify", bundle, "--witness", witness)).ExitCode);
        Assert.Equal([0, 1], verdicts.Order());
        Assert.Equal(125, (await elsewhere.MoatAsync("audit", "verify", bundle, "--witness", "/nowhere")).ExitCode);
        Assert.Equal(125, (await elsewhere.MoatAsync("audit", "verify", "no-such-run")).ExitCode);
        Assert.Contains("RUN|FILE", (await home.MoatAsync("audit", "verify", "--help")).Out, StringComparison.Ordinal);
        Assert.Equal(0, (await home.MoatAsync("destroy", "-f", "one")).ExitCode);
        Assert.Single(Directory.GetFiles(Path.Combine(home.State, "state", "witness")));
    }

    private static async Task<(int Code, string Status)> StatusAsync(MoatHome home, string log)
    {
        var result = await home.MoatAsync("audit", "verify", log, "--json");
        Assert.True(result.Out.Length > 0, result.ToString());
        return (result.ExitCode, JsonDocument.Parse(result.Out).RootElement.GetProperty("status").GetString()!);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_91_a_supervisor_that_is_killed_takes_the_sandbox_along_and_loses_no_intent(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        scene.Upstream.Answer = async context =>
        {
            if (context.Request.Path != "/held") return false;
            arrived.SetResult();
            await release.Task;
            return true;
        };
        var pipe = Path.Combine(scene.Home.Workspace, "alive");
        await using var run = LiveRun.Start(scene.Home, $"mkfifo alive; echo made; exec 9>alive; setsid sleep 1000 & curl -sS https://{Scene.ApiHost}/held", "--name", "killed");
        await run.UntilAsync("made");
        // The agent and its daemon hold the other end: the end of this file is the end of them all.
        var gone = Task.Run(() => { using var reader = File.OpenRead(pipe); return reader.ReadByte(); }, TestContext.Current.CancellationToken);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await run.KillAsync();
        Assert.Equal(-1, await gone.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        release.SetResult();

        Assert.Matches("killed +run_[0-9a-f]{12} +interrupted ", (await scene.Home.MoatAsync("list")).Out);
        var audit = await scene.Home.MoatAsync("audit", "killed");
        Assert.True(audit.ExitCode == 0, audit.ToString());
        Assert.Contains("intents without an outcome: ", audit.Out, StringComparison.Ordinal);
        var records = JsonDocument.Parse((await scene.Home.MoatAsync("audit", "killed", "--json")).Out).RootElement.EnumerateArray().ToArray();
        var held = records.Single(r => r.GetProperty("type").GetString() == "request.intent" && r.GetProperty("payload").GetRawText().Contains("/held", StringComparison.Ordinal)).GetProperty("seq").GetInt64();
        var start = records.Single(r => r.GetProperty("type").GetString() == "start.intent").GetProperty("seq").GetInt64();
        var file = Path.Combine(scene.Home.Workspace, "log");
        Assert.Equal(0, (await scene.Home.MoatAsync("audit", "killed", "--export", file)).ExitCode);
        var verdict = JsonDocument.Parse((await scene.Home.MoatAsync("audit", "verify", file, "--json")).Out).RootElement;
        Assert.Equal("clean-crash", verdict.GetProperty("status").GetString());
        Assert.Equal([start, held], verdict.GetProperty("openIntents").EnumerateArray().Select(e => e.GetInt64()));

        // The name and the workspace are free again.
        scene.Upstream.Answer = null;
        Assert.Equal(0, (await scene.Home.ScriptAsync("true", "--name", "killed")).ExitCode);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_76_a_full_disk_ends_the_run_and_says_so(string user)
    {
        // Only root can make a small disk.
        if (!Binary.IsRoot) return;
        await using var scene = await Scene.StartAsync(user);
        var small = Directory.CreateDirectory(Path.Combine(scene.Home.Root, "small")).FullName;
        scene.Home.Env["MOAT_HOME"] = small;
        var result = await scene.Home.WithinAsync(
            ["unshare", "-m", "sh", "-c", $"mount -t tmpfs -o size=3m,mode=777 small {small} && cp -a {scene.Home.State}/. {small}/ && chmod 700 {small} && chown --reference={scene.Home.State} {small} && exec \"$@\"", "sh"], asSelf: false,
            "run", scene.Home.Workspace, "--config", scene.Home.ConfigFile, "--", "sh", "-c",
            $"head -c 6000000 /dev/zero | tr '\\0' '\\n' | sed 's/^/filling the disk with the output of an agent/' | head -c 6000000; for i in $(seq 500); do curl -sS -o /dev/null https://{Scene.ApiHost}/$i; done; echo survived >survived");
        Assert.True(result.ExitCode == 125, result.ExitCode + "\n" + result.Err);
        Assert.Contains("the audit log cannot be written", result.Err, StringComparison.Ordinal);
        Assert.Contains("free some space", result.Err, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(scene.Home.Workspace, "survived")), "the agent went on without a log");
    }

    private static string[] With(string[] lines, int index, Func<string, string> change)
    {
        lines[index] = change(lines[index]);
        return lines;
    }

    private static async Task<(int Code, string Status, string Kind, long? Bad, string Message)> VerifyAsync(MoatHome home, string[] lines, string key)
    {
        var file = home.Write(Path.Combine(home.Workspace, "to-verify"), string.Join('\n', lines) + "\n");
        var result = await home.MoatAsync("audit", "verify", file, "--key", key, "--json");
        Assert.True(result.Out.Length > 0, result.ToString());
        var json = JsonDocument.Parse(result.Out).RootElement;
        long? bad = json.GetProperty("firstBadSeq") is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : null;
        return (result.ExitCode, json.GetProperty("status").GetString()!, json.GetProperty("kind").GetString()!, bad, json.GetProperty("message").GetString()!);
    }
}
