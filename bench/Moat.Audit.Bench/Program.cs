// Figures of the audit log on this machine, as JSON: records appended and verified a second, latency of a lone intent.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Moat.Audit;

const int Records = 1_000_000;
const int Intents = 50_000;
const int Rounds = 3;

var folder = Directory.CreateTempSubdirectory("moat-audit-bench-").FullName;
try
{
    using var key = AuditKey.Generate();
    var append = new List<double>();
    var verify = new List<double>();
    var many = new List<double>();
    double p50 = 0, p99 = 0, bytes = 0;
    for (var round = 0; round < Rounds; round++)
    {
        var path = Path.Combine(folder, $"append{round}");
        var log = AuditLog.Create(path, new AuditOptions { Origin = "moat/run/bench", Key = key });
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < Records - 1; i++)
            log.Append(AuditTypes.RequestDenied, Request(i));
        await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        append.Add(Records / watch.Elapsed.TotalSeconds);
        await log.DisposeAsync();
        bytes = (double)new FileInfo(path).Length / Records;

        watch.Restart();
        var report = AuditVerifier.Verify(path, key.PublicKey);
        verify.Add(Records / watch.Elapsed.TotalSeconds);
        if (report.Status != VerifyStatus.Sealed || report.Records != Records)
            throw new InvalidOperationException(report.Message);

        await using var lone = AuditLog.Create(Path.Combine(folder, $"intent{round}"), new AuditOptions { Origin = "moat/run/bench", Key = key });
        var ticks = new long[Intents];
        for (var i = 0; i < Intents; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await lone.AppendIntentAsync(AuditTypes.RequestIntent, Request(i));
            ticks[i] = Stopwatch.GetTimestamp() - start;
        }
        Array.Sort(ticks);
        p50 = ticks[Intents / 2] / 1000.0;
        p99 = ticks[Intents * 99 / 100] / 1000.0;

        await using var shared = AuditLog.Create(Path.Combine(folder, $"many{round}"), new AuditOptions { Origin = "moat/run/bench", Key = key });
        watch.Restart();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 10_000; i++)
                await shared.AppendIntentAsync(AuditTypes.RequestIntent, Request(i));
        })));
        many.Add(320_000 / watch.Elapsed.TotalSeconds);
        File.Delete(path);
    }
    using var output = new Utf8JsonWriter(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true });
    output.WriteStartObject();
    output.WriteString("machine", $"{Cpu()}, {Environment.ProcessorCount} cores, .NET {Environment.Version}");
    output.WriteNumber("bytes_per_record", Math.Round(bytes));
    output.WriteNumber("append_per_second", Math.Round(Median(append)));
    output.WriteNumber("verify_per_second", Math.Round(Median(verify)));
    output.WriteNumber("intents_per_second_32_writers", Math.Round(Median(many)));
    output.WriteNumber("lone_intent_p50_us", Math.Round(p50, 2));
    output.WriteNumber("lone_intent_p99_us", Math.Round(p99, 2));
    output.WriteEndObject();
    output.Flush();
    Console.WriteLine();
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static AuditPayload Request(int i) => AuditPayload.Create()
    .Add("method", "GET")
    .Add("scheme", "https")
    .Add("host", "registry.example.org")
    .Add("port", 443)
    .Add("path", "/packages/left-pad/-/left-pad-1.3.0.tgz?attempt=1&cache=no-store")
    .Add("decision", "allow")
    .Add("rule", "*.example.org (moat.yaml:12)")
    .Add("grant", "registry")
    .Add("client", "127.0.0.1:48712")
    .Add("address", "203.0.113.17")
    .Add("protocol", "HTTP/2")
    .Add("user_agent", "npm/10.9.0 node/v22.11.0 linux x64 workspaces/false")
    .Add("request", i);

static double Median(List<double> values)
{
    values.Sort();
    return values[values.Count / 2];
}

static string Cpu() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
    ?.Split(':')[1].Trim() ?? string.Create(CultureInfo.InvariantCulture, $"{System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture}");
