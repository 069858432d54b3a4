using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moat.Bench;

// moat-bench gateway --host-program PATH [--seconds S] [--rounds N] [--only NAME,NAME] [--get-only | --bulk-only] [--bare] [--out FILE]: every program in turn, round by round, one run.
const string Host = "api.bench.test";
// The client should cost as little as it can: it shares the machine with what it measures. The base library takes this from the environment alone.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
var program = Option("--host-program") ?? throw new ArgumentException("--host-program PATH is needed: the published gateway host");
var seconds = double.Parse(Option("--seconds") ?? "4", CultureInfo.InvariantCulture);
var rounds = int.Parse(Option("--rounds") ?? "3", CultureInfo.InvariantCulture);
var output = Option("--out");

using var peers = new Peers(Host);
using var upstream = peers.Upstream();
await using var events = EventSource.Start(peers);
using var moat = peers.Moat(program, upstream.Endpoint.Port);
using var moatEvents = peers.Moat(program, events.Endpoint.Port);
// With --bare the gateway stands beside itself without a grant: what injection and redaction cost.
var bare = args.Contains("--bare");
using var squid = bare ? null : peers.Squid();
using var mitmproxy = bare ? null : peers.Mitmproxy();
using var without = bare ? peers.Moat(program, upstream.Endpoint.Port, bare: true) : null;
using var withoutEvents = bare ? peers.Moat(program, events.Endpoint.Port, bare: true) : null;
(string Name, Peer? Peer)[] subjects = bare ? [("bare", without), ("moat", moat)] : [("direct", null), ("squid", squid), ("moat", moat), ("mitmproxy", mitmproxy)];
if (Option("--only") is { } only) subjects = [.. subjects.Where(s => only.Split(',').Contains(s.Name))];
var quick = args.Contains("--get-only");
var bulk = args.Contains("--bulk-only");
var time = TimeSpan.FromSeconds(seconds);
var results = new SortedDictionary<string, List<double>>(StringComparer.Ordinal);
for (var round = 0; round < rounds; round++)
{
    foreach (var (name, peer) in subjects)
    {
        var target = new Target(peer?.Endpoint, upstream.Endpoint, Host);
        foreach (var connections in bulk ? [] : (int[])[1, 32, 200])
        {
            var before = peer?.ProcessorTime() ?? default;
            var load = LoadClient.GetAsync(target, "/small", connections, time);
            if (connections == 200 && peer is not null)
            {
                await Task.Delay(time * 0.8);
                Add("memory_mib at 200", name, peer.ResidentMiB());
            }

            var figures = await load;
            Add($"get {connections} per_second", name, figures.PerSecond);
            Add($"get {connections} p50_us", name, figures.P50Microseconds);
            Add($"get {connections} p99_us", name, figures.P99Microseconds);
            // Of the proxy alone, so less moved by what else the machine does. The first fifth is warm-up and not counted in Requests.
            if (peer is not null) Add($"get {connections} proxy_cpu_us", name, (peer.ProcessorTime() - before).TotalMicroseconds * 0.8 / figures.Requests);
        }

        if (quick) continue;
        if (!bulk)
        {
            var fresh = await LoadClient.NewConnectionsAsync(target, "/small", 4, time);
            Add("new connections per_second", name, fresh.PerSecond);
        }

        var idle = peer?.ProcessorTime() ?? default;
        Add("download mib_per_second", name, await TryAsync(() => LoadClient.DownloadAsync(target, "/large")));
        if (peer is not null) Add("download proxy_cpu_ms", name, (peer.ProcessorTime() - idle).TotalMilliseconds);
        var sink = name == "moat" ? moatEvents : name == "bare" ? withoutEvents : peer;
        var stream = target with { Proxy = sink?.Endpoint, Upstream = events.Endpoint };
        idle = sink?.ProcessorTime() ?? default;
        var own = Environment.CpuUsage.TotalTime;
        Add("upload mib_per_second", name, await TryAsync(() => LoadClient.UploadAsync(stream, "/up", 100 << 20)));
        Add("upload client_cpu_ms", name, (Environment.CpuUsage.TotalTime - own).TotalMilliseconds);
        if (sink is not null) Add("upload proxy_cpu_ms", name, (sink.ProcessorTime() - idle).TotalMilliseconds);
        Add("sse first byte us", name, await LoadClient.FirstByteAsync(stream, "/"));
        Console.Error.WriteLine($"round {round + 1}/{rounds}: {name} done");
    }
}

var report = new JsonObject { ["machine"] = Machine(), ["seconds"] = seconds, ["rounds"] = rounds };
foreach (var (key, values) in results)
{
    values.Sort();
    var parts = key.Split('|');
    var row = report[parts[0]] as JsonObject ?? [];
    report[parts[0]] = row;
    row[parts[1]] = double.IsNaN(values[values.Count / 2]) ? "failed" : Math.Round(values[values.Count / 2], 2);
}

var text = report.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
Console.WriteLine(text);
if (output is not null) File.WriteAllText(output, text + "\n");
return 0;

void Add(string figure, string subject, double value)
{
    var key = figure + "|" + subject;
    if (!results.TryGetValue(key, out var values)) results[key] = values = [];
    values.Add(value);
}

// A peer that breaks a transfer has no figure for it; the others still have theirs.
static async Task<double> TryAsync(Func<Task<double>> measure)
{
    try
    {
        return await measure();
    }
    catch (IOException)
    {
        return double.NaN;
    }
}

string? Option(string name)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}

static string Machine()
{
    var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown";
    return $"{Environment.ProcessorCount} cores, {model}, Linux {Environment.OSVersion.Version}, .NET {Environment.Version}";
}
