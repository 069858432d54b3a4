// The gateway alone, on loopback, with everything on: policy, a grant, redaction and the audit log. For load generators.
//
//   Moat.Gateway.Host --port PROXY_PORT --host HOST --upstream ADDRESS:PORT --ca UPSTREAM_CA.pem --audit FILE [--bare]
//
// HOST at the upstream's port gets a rule with a path and a grant (Authorization: Bearer, the secret from BENCH_TOKEN). The run's own authority
// is written beside the audit log as ca.pem. With --bare there is no grant, so nothing is injected and nothing looked for. Prints a line when it serves; ends with SIGTERM or SIGINT.

using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway;
using Moat.Policy;
using Moat.Spec;

GatewayProcess.Prepare();
var host = Option("--host");
var log = Path.GetFullPath(Option("--audit"));
var upstream = IPEndPoint.Parse(Option("--upstream"));
var folder = Directory.CreateTempSubdirectory("moat-gateway-host-");

var network = new NetworkSpec
{
    Mode = NetworkMode.Strict,
    Rules = [new HostRuleSpec(host, upstream.Port, [new RequestRuleSpec(true, "*", "/**")], "bench")],
    CaPem = [File.ReadAllText(Option("--ca"))],
    Resolve = ImmutableSortedDictionary<string, string>.Empty.Add(host, upstream.ToString()),
};

Directory.CreateDirectory(Path.Combine(folder.FullName, "providers"));
File.WriteAllText(Path.Combine(folder.FullName, "providers", "bench.yaml"), $$"""
    name: bench
    description: load
    hosts: ["{{host}}:{{upstream.Port}}"]
    inject: { header: Authorization, prefix: "Bearer " }
    source_env: [BENCH_TOKEN]
    container_env: [BENCH_TOKEN]
    prompt: token
    placeholder: "tok_{base62:40}"
    """);
using var vault = Vault.Open(folder.FullName, "", new VaultOptions { UseKeyring = false });
var token = Environment.GetEnvironmentVariable("BENCH_TOKEN") ?? "tok_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
using (var credential = new StoredCredential { Provider = "bench", Token = Secret.FromText(token), CreatedAt = DateTimeOffset.UtcNow })
    vault.Put(credential);
var spec = new RunSpec
{
    Id = "run_000000000000",
    Name = "bench",
    Command = ["true"],
    Interactive = false,
    Workspace = new WorkspaceSpec("/"),
    Network = network,
    Grants = args.Contains("--bare") ? [] : [new GrantSpec("bench")],
    CreatedAt = DateTimeOffset.UtcNow,
};
var grants = GrantUnlocker.Unlock(spec, vault, ProviderCatalog.Load(Path.Combine(folder.FullName, "providers")), RandomNumberGenerator.GetBytes(32));

using var key = AuditKey.Generate();
await using var audit = AuditLog.Create(log, new AuditOptions { Origin = "moat/bench", Key = key });
using var authority = RunAuthority.Create("bench");
File.WriteAllText(Path.Combine(Path.GetDirectoryName(log)!, "ca.pem"), authority.CertificatePem);

using var proxy = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
proxy.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
proxy.Bind(new IPEndPoint(IPAddress.Loopback, int.Parse(Option("--port"), CultureInfo.InvariantCulture)));

using var end = new ManualResetEventSlim();
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
var started = Stopwatch.GetTimestamp();
await using (await GatewayServer.StartAsync(
    new GatewayOptions { Policy = NetworkPolicy.Compile(network), Grants = grants, Audit = audit, Authority = authority, Network = network },
    new GatewayListeners { Proxy = [proxy.SafeHandle] },
    CancellationToken.None))
{
    Console.WriteLine($"serving; started in {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F1} ms");
    end.Wait();
}
foreach (var grant in grants)
    grant.Dispose();
folder.Delete(recursive: true);

void End(PosixSignalContext signal)
{
    signal.Cancel = true;
    end.Set();
}

string Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length
    ? args[at + 1]
    : throw new ArgumentException($"{name} is missing: --port P --host HOST --upstream ADDRESS:PORT --ca FILE --audit FILE");
