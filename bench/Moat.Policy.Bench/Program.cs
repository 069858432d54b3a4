// What the policy costs a request on this machine, as JSON: nanoseconds and bytes allocated, medians of seven rounds.
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Moat.Policy;
using Moat.Spec;

const int Calls = 200_000;
const int Rounds = 7;

// As many rules as a long moat.yaml, three grants and the registries of six clients bring; and far more than anybody writes.
var (policy, large) = (Compile(200), Compile(1000));
CanonicalHost exact = Host("host199.example"), last = Host("host999.example"), wild = Host("a.b.host8.example"), scoped = Host("api.scoped.example"), unknown = Host("www.elsewhere.example");
var (v4, v6) = (IPAddress.Parse("93.184.216.34"), IPAddress.Parse("2606:2800:220:1:248:1893:25c8:1946"));
var budget = new DnsBudget(TimeProvider.System);
const string Wildcard = "*.host8.example (moat.yaml)";

using var output = new Utf8JsonWriter(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true });
output.WriteStartObject();
output.WriteString("machine", $"{Cpu()}, {Environment.ProcessorCount} cores, .NET {Environment.Version}");
Measure("parse a name", () => CanonicalHost.TryParse("api.scoped.example", out _, out _));
Measure("parse a name in capitals with a root dot", () => CanonicalHost.TryParse("API.Scoped.Example.", out _, out _));
Measure("parse an IPv4 literal", () => CanonicalHost.TryParse("93.184.216.34", out _, out _));
Measure("parse an IPv6 literal", () => CanonicalHost.TryParse("[2606:2800:220:1:248:1893:25c8:1946]", out _, out _));
Measure("decide a host by name", () => policy.DecideHost(exact, 443));
Measure("decide a host by wildcard", () => policy.DecideHost(wild, 443));
Measure("decide a request without request rules", () => policy.DecideRequest(exact, 443, "GET", "/repos/a/b?c=d"));
Measure("decide a request by path", () => policy.DecideRequest(scoped, 443, "POST", "/repos/mine/issues/17/comments?page=2"));
Measure("decide a request by an escaped path", () => policy.DecideRequest(scoped, 443, "POST", "/repos/mine/issues/%C3%A9t%C3%A9/comments"));
Measure("deny a host", () => policy.DecideHost(unknown, 443));
Measure("deny a request by path", () => policy.DecideRequest(scoped, 443, "POST", "/admin/keys"));
Measure("1,000 rules: decide a host by name", () => large.DecideHost(last, 443));
Measure("1,000 rules: decide a host by wildcard", () => large.DecideHost(wild, 443));
Measure("1,000 rules: decide a request by path", () => large.DecideRequest(scoped, 443, "POST", "/repos/mine/issues/17/comments?page=2"));
Measure("1,000 rules: deny a host", () => large.DecideHost(unknown, 443));
Measure("may resolve", () => policy.MayResolve(exact));
Measure("budget of a known name", () => budget.TryResolve(wild, Wildcard, out _));
Measure("classify IPv4", () => AddressGuard.Classify(v4));
Measure("classify IPv6", () => AddressGuard.Classify(v6));
output.WriteEndObject();

void Measure<T>(string name, Func<T> call)
{
    var times = new double[Rounds];
    long bytes = 0;
    for (var round = -2; round < Rounds; round++)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.GetTimestamp();
        for (var i = 0; i < Calls; i++) call();
        var elapsed = Stopwatch.GetElapsedTime(watch).TotalNanoseconds / Calls;
        bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / Calls;
        if (round >= 0) times[round] = elapsed;
    }

    Array.Sort(times);
    output.WriteStartObject(name);
    output.WriteNumber("ns", Math.Round(times[Rounds / 2], 1));
    output.WriteNumber("bytes", bytes);
    output.WriteEndObject();
}

static NetworkPolicy Compile(int count)
{
    var rules = Enumerable.Range(0, count).Select(i => new HostRuleSpec($"{(i % 4 == 0 ? "*." : "")}host{i}.example", null, [], "moat.yaml"))
        .Append(new HostRuleSpec("api.scoped.example", null,
            [new(false, "*", "/admin/**"), new(true, "GET", "/**/raw"), new(true, "POST", "/repos/*/issues/**"), new(true, "GET", "/**")], "moat.yaml"));
    return NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Strict, Rules = [.. rules] });
}

static string Cpu() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) is { } line
    ? line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..] : "unknown processor";

static CanonicalHost Host(string text) => CanonicalHost.TryParse(text, out var host, out var error) ? host : throw new InvalidOperationException(error);
