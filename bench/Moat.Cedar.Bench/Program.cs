// What a decision costs at 10 and at 1,000 policies, as JSON: microseconds (p50 and p99 over single decisions) and bytes
// allocated for each. The policies are of the kinds that a network policy has: hosts by name, zones with conditions, a few
// rules about addresses and sizes that every request meets. `policies N` prints N of them, which wasm.cjs decides with the
// reference implementation: dotnet run … -- policies 1000 | node wasm.cjs FOLDER-WITH-CEDAR-WASM
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Moat.Cedar;

const int Decisions = 200_000;

if (args is ["policies", var wanted])
{
    Console.Write(Policies(int.Parse(wanted, CultureInfo.InvariantCulture)));
    return;
}

using var output = new Utf8JsonWriter(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true });
output.WriteStartObject();
output.WriteString("machine", $"{Cpu()}, {Environment.ProcessorCount} cores, .NET {Environment.Version}");
foreach (var count in new[] { 10, 1_000, 10_000 }) Measure(count);
output.WriteEndObject();

void Measure(int count)
{
    var text = Policies(count);
    var start = Stopwatch.GetTimestamp();
    var set = PolicySet.Parse(text);
    var parsed = Stopwatch.GetElapsedTime(start);
    start = Stopwatch.GetTimestamp();
    var authorizer = new Authorizer(set);
    var compiled = Stopwatch.GetElapsedTime(start);
    var entities = Entities(count);
    Request[] requests = [.. Enumerable.Range(0, 64).Select(i => Ask(i * 7919 % count))];
    var result = new AuthorizationResult();
    var times = new double[Decisions];
    long bytes = 0;
    var allowed = 0;
    for (var round = 0; round < 3; round++)
    {
        allowed = 0;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Decisions; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            if (authorizer.Decide(requests[i % requests.Length], entities, result) == Decision.Allow) allowed++;
            times[i] = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
        }

        bytes = GC.GetAllocatedBytesForCurrentThread() - before;
    }

    Array.Sort(times);
    output.WriteStartObject($"{count} policies");
    output.WriteNumber("p50 us", Math.Round(times[Decisions / 2], 3));
    output.WriteNumber("p99 us", Math.Round(times[Decisions * 99 / 100], 3));
    output.WriteNumber("bytes per decision", (double)bytes / Decisions);
    output.WriteNumber("share allowed", Math.Round((double)allowed / Decisions, 3));
    output.WriteNumber("parse ms", Math.Round(parsed.TotalMilliseconds, 2));
    output.WriteNumber("compile ms", Math.Round(compiled.TotalMilliseconds, 2));
    output.WriteEndObject();
    output.Flush();
}

static Request Ask(int host) => new(
    new EntityUid(new("Agent"), "coder"),
    new EntityUid(new("Action"), "HttpRequest"),
    new EntityUid(new("Host"), $"api.host{host}.example"),
    CedarRecord.Create(
        new("method", CedarValue.String(host % 3 == 0 ? "GET" : "POST")),
        new("path", CedarValue.String($"/repos/{host}/issues")),
        new("size", CedarValue.Long(1_200)),
        new("ip", CedarValue.Ip(CedarIp.Parse("93.184.216.34")!))));

static EntityStore Entities(int count)
{
    var run = new EntityUid(new("Run"), "r1");
    var entities = new List<Entity> { new(run), new(new EntityUid(new("Agent"), "coder"), CedarRecord.Create(new KeyValuePair<string, CedarValue>("trusted", CedarValue.Bool(false))), [run]) };
    for (var i = 0; i < count; i++)
    {
        var zone = new EntityUid(new("DnsZone"), $"host{i}.example");
        entities.Add(new Entity(zone, null, [new EntityUid(new("DnsZone"), "example")]));
        entities.Add(new Entity(new EntityUid(new("Host"), $"api.host{i}.example"), null, [zone]));
    }

    return EntityStore.Create(entities);
}

static string Policies(int count)
{
    var text = new StringBuilder("""
        forbid(principal, action, resource) when { context.ip.isInRange(ip("10.0.0.0/8")) || context.ip.isLoopback() };
        forbid(principal in Run::"r1", action == Action::"HttpRequest", resource is Host) when { context.size > 1000000 && !principal.trusted };
        permit(principal, action in [Action::"NetworkConnect", Action::"McpCall"], resource) unless { context has denied };

        """);
    for (var i = 3; i < count; i++)
    {
        text.AppendLine((i % 3) switch
        {
            0 => $"permit(principal is Agent, action == Action::\"HttpRequest\", resource == Host::\"api.host{i}.example\");",
            1 => $"permit(principal in Run::\"r1\", action == Action::\"HttpRequest\", resource in DnsZone::\"host{i}.example\") when {{ context.method == \"GET\" || context.path like \"/repos/*/issues\" }};",
            _ => $"forbid(principal, action == Action::\"HttpRequest\", resource) when {{ resource == Host::\"api.host{i}.example\" && context.path like \"/admin/*\" }};",
        });
    }

    return text.ToString();
}

static string Cpu() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) is { } line
    ? line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..] : "unknown processor";
