// Start, run /bin/true, take down: a whole sandbox of Moat against bare bubblewrap, turn by turn in one run. Prints JSON.
// Arguments: the path of moat-init, and how many rounds.
using System.Diagnostics;
using System.Globalization;
using Moat.Sandboxes;
using Moat.Spec;

if (args is not [var init, .. var rest])
{
    Console.Error.WriteLine("usage: Moat.Sandbox.Bench MOAT-INIT [ROUNDS]");
    return 2;
}

var rounds = rest is [var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 50;
var root = Directory.CreateTempSubdirectory("moat-bench-").FullName;
var workspace = Directory.CreateDirectory(Path.Combine(root, "workspace")).FullName;
List<double> bare = [], start = [], agent = [], end = [], whole = [];
try
{
    for (var round = -5; round < rounds; round++)
    {
        var watch = Stopwatch.StartNew();
        using (var process = Process.Start("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"])) await process.WaitForExitAsync();
        var plain = watch.Elapsed.TotalMilliseconds;

        var id = string.Create(CultureInfo.InvariantCulture, $"bench-{Environment.ProcessId}-{round + 5}");
        watch.Restart();
        var sandbox = await Bubblewrap.StartAsync(new SandboxOptions
        {
            Spec = new RunSpec
            {
                Id = id,
                Name = "bench",
                Command = ["/bin/true"],
                Interactive = false,
                Workspace = new WorkspaceSpec(workspace),
                Network = new NetworkSpec { Mode = NetworkMode.Strict },
                CreatedAt = DateTimeOffset.UtcNow,
            },
            StateDirectory = Directory.CreateDirectory(Path.Combine(root, id)).FullName,
            Env = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
            InitPath = init,
        }, CancellationToken.None);
        var started = watch.Elapsed.TotalMilliseconds;
        using (var process = await sandbox.StartAgentAsync(null, CancellationToken.None)) _ = await process.Exited;
        var ran = watch.Elapsed.TotalMilliseconds;
        await sandbox.DisposeAsync();
        var ended = watch.Elapsed.TotalMilliseconds;
        if (round < 0) continue;
        bare.Add(plain);
        start.Add(started);
        agent.Add(ran - started);
        end.Add(ended - ran);
        whole.Add(ended);
    }
}
finally
{
    Directory.Delete(root, recursive: true);
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $$"""{"rounds":{{rounds}},"bwrap_ms":{{Median(bare):f2}},"moat_ms":{{Median(whole):f2}},"start_ms":{{Median(start):f2}},"agent_ms":{{Median(agent):f2}},"end_ms":{{Median(end):f2}},"ratio":{{Median(whole) / Median(bare):f2}}}"""));
return 0;

static double Median(List<double> values)
{
    values.Sort();
    return values[values.Count / 2];
}
