// The gateway alone, on loopback, with everything on: policy, a grant, redaction and the audit log. For load generators.
//
//   Moat.Gateway.Host FOLDER HOST=ADDRESS:PORT UPSTREAM_CA.pem [PROXY_PORT [HTTPS_PORT [HTTP_PORT]]]
//
// HOST gets a grant (Authorization: Bearer, generated here) and one rule with a path. FOLDER is made and gets ca.pem, the
// audit log and the vault. Prints one line when it serves, and ends when its standard input does.

using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway;
using Moat.Policy;
using Moat.Spec;

if (args.Length < 3 || args[1].Split('=') is not [var host, var address])
{
    Console.Error.WriteLine("usage: Moat.Gateway.Host FOLDER HOST=ADDRESS:PORT UPSTREAM_CA.pem [PROXY_PORT [HTTPS_PORT [HTTP_PORT]]]");
    return 2;
}
var folder = Directory.CreateDirectory(args[0]).FullName;

var network = new NetworkSpec
{
    Mode = NetworkMode.Strict,
    Rules = [new HostRuleSpec(host, null, [new RequestRuleSpec(true, "*", "/**")], "bench")],
    CaPem = [File.ReadAllText(args[2])],
    Resolve = ImmutableSortedDictionary<string, string>.Empty.Add(host, address),
};

Directory.CreateDirectory(Path.Combine(folder, "providers"));
File.WriteAllText(Path.Combine(folder, "providers", "bench.yaml"), $$"""
    name: bench
    description: load
    hosts: [{{host}}]
    inject: { header: Authorization, prefix: "Bearer " }
    source_env: [BENCH_TOKEN]
    container_env: [BENCH_TOKEN]
    prompt: token
    placeholder: "tok_{base62:40}"
    """);
using var vault = Vault.Open(folder, "", new VaultOptions { UseKeyring = false });
using (var credential = new StoredCredential { Provider = "bench", Token = Secret.FromText("tok_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20))), CreatedAt = DateTimeOffset.UtcNow })
    vault.Put(credential);
var spec = new RunSpec
{
    Id = "run_000000000000",
    Name = "bench",
    Command = ["true"],
    Interactive = false,
    Workspace = new WorkspaceSpec("/"),
    Network = network,
    Grants = [new GrantSpec("bench")],
    CreatedAt = DateTimeOffset.UtcNow,
};
var grants = GrantUnlocker.Unlock(spec, vault, ProviderCatalog.Load(Path.Combine(folder, "providers")), RandomNumberGenerator.GetBytes(32));

using var key = AuditKey.Generate();
var log = Path.Combine(folder, $"audit-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}.jsonl");
await using var audit = AuditLog.Create(log, new AuditOptions { Origin = "moat/bench", Key = key });
using var authority = RunAuthority.Create("bench");
File.WriteAllText(Path.Combine(folder, "ca.pem"), authority.CertificatePem);

var sockets = Enumerable.Range(3, 3).Select(i => Bind(args.Length > i ? int.Parse(args[i], CultureInfo.InvariantCulture) : 0)).ToArray();
var ports = sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port).ToArray();
var started = Stopwatch.GetTimestamp();
await using var gateway = await GatewayServer.StartAsync(
    new GatewayOptions { Policy = NetworkPolicy.Compile(network), Grants = grants, Audit = audit, Authority = authority, Network = network },
    new GatewayListeners { Proxy = [sockets[0].SafeHandle], Https = [sockets[1].SafeHandle], Http = [sockets[2].SafeHandle] },
    CancellationToken.None);
Console.WriteLine($"proxy {ports[0]} https {ports[1]} http {ports[2]} started in {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F1} ms");
Console.Out.Flush();
while (Console.In.ReadLine() is not null)
{
}
GC.KeepAlive(sockets);
foreach (var grant in grants)
    grant.Dispose();
return 0;

static Socket Bind(int port)
{
    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
    socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
    return socket;
}
