using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Moat.Audit;
using Moat.Credentials;
using Moat.Gateway.Certificates;
using Moat.Gateway.Databases;
using Moat.Gateway.Dns;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Upstream;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway.Tests.Databases;

/// <summary>A grant for a database with a generated password, a server that a test plays, and sessions between a client and it.</summary>
internal sealed class DatabaseScene : IAsyncDisposable
{
    public const string Host = "db.moat.test";
    public const string User = "app";

    private readonly string _folder = Directory.CreateTempSubdirectory("moat-db-").FullName;
    private readonly Vault _vault;
    private readonly AuditKey _key = AuditKey.Generate();
    private readonly AuditLog _audit;
    private readonly RunAuthority _authority = RunAuthority.Create("run_test");
    private readonly LeafCertificates _certificates;
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _sessions = [];
    private readonly List<IDisposable> _sockets = [];
    private readonly TestAuthority _serverAuthority = new();
    private UnlockedGrant _grant = null!;
    private CanonicalHost _host;
    private PolicyGate _gate = null!;
    private LiveTraffic _traffic = null!;

    private DatabaseScene()
    {
        _vault = Vault.Open(_folder, "", new VaultOptions { UseKeyring = false });
        _audit = AuditLog.Create(AuditPath, new AuditOptions { Origin = "moat/test", Key = _key });
        _certificates = new LeafCertificates(_authority);
        _server.Start();
        ServerCertificate = _serverAuthority.Issue([Host]);
    }

    public string Password { get; } = "pw-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public ConcurrentQueue<Denial> Denials { get; } = new();

    public DatabaseServices Services { get; private set; } = null!;

    public string AuthorityPem => _authority.CertificatePem;

    public X509Certificate2 ServerCertificate { get; set; }

    private string AuditPath => Path.Combine(_folder, "audit.jsonl");

    /// <param name="kind">postgres, mysql or redis.</param>
    /// <param name="serve">The server's side of each connection.</param>
    /// <param name="request">What the person said of the database; TLS is verified unless it says otherwise.</param>
    /// <param name="host">Whom the grant is for.</param>
    /// <param name="cedar">The text of a policy; null for none.</param>
    /// <param name="rules">Rules before the grant's own.</param>
    public static async Task<DatabaseScene> StartAsync(string kind, Func<Stream, Task> serve, DatabaseRequest? request = null, string host = Host, string? cedar = null, params HostRuleSpec[] rules)
    {
        var scene = new DatabaseScene();
        request = (request ?? new DatabaseRequest()) with { User = request?.User ?? (kind == "redis" ? null : User) };
        // The one way to a port of this machine is the port itself.
        if (host == NetworkPolicy.HostGatewayName) request = request with { Port = ((IPEndPoint)scene._server.LocalEndpoint).Port };
        var catalog = ProviderCatalog.Load(null);
        await new GrantService(scene._vault, catalog, environment: name => name is "PGPASSWORD" or "MYSQL_PWD" or "REDISCLI_AUTH" ? scene.Password : null)
            .GrantAsync(new GrantRequest($"{kind}:{host}") { Database = request });
        var spec = new RunSpec
        {
            Id = "run_000000000000",
            Name = "test",
            Command = ["true"],
            Interactive = false,
            Workspace = new WorkspaceSpec("/"),
            Network = new NetworkSpec { Mode = NetworkMode.Strict },
            Grants = [new GrantSpec($"{kind}:{host}")],
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        scene.Open(spec, catalog, host, rules, cedar);
        scene.Serve(serve);
        return scene;
    }

    /// <returns>How many sessions the new policy ended.</returns>
    public int Replace(string cedar)
    {
        _gate.Replace(Scene.PolicyOf(cedar));
        return _traffic.Rejudge();
    }

    /// <summary>A client's connection to the host of the grant, as the sandbox makes one.</summary>
    public async Task<Stream> ConnectAsync()
    {
        using var door = new TcpListener(IPAddress.Loopback, 0);
        door.Start();
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)door.LocalEndpoint);
        var accepted = await door.AcceptSocketAsync();
        _sockets.AddRange([client, accepted]);
        _sessions.Add(Task.Run(async () =>
        {
            using (accepted) await new DatabaseSession(Services, _grant, _host, accepted).RunAsync(_stop.Token);
        }));
        return client.GetStream();
    }

    /// <summary>The client's TLS, as one that trusts the run's authority alone and checks the name.</summary>
    public async Task<Stream> SecureAsync(Stream client)
    {
        var tls = new SslStream(client);
        await tls.AuthenticateAsClientAsync(TrustingClient(_authority.CertificatePem, Host));
        return tls;
    }

    /// <summary>The server's TLS.</summary>
    public async Task<Stream> AnswerTlsAsync(Stream connection)
    {
        var tls = new SslStream(connection);
        await tls.AuthenticateAsServerAsync(ServerCertificate);
        return tls;
    }

    /// <summary>A certificate of the authority that the run knows.</summary>
    public X509Certificate2 IssueFor(string name) => _serverAuthority.Issue([name]);

    /// <summary>The grant's password is taken back while the run goes on.</summary>
    public void Revoke()
    {
        _vault.Remove(_grant.Name);
        using var watch = GrantWatch.Start(_vault, [_grant]);
        watch.CheckNow();
    }

    /// <summary>All sessions are over and recorded.</summary>
    public async Task EndedAsync()
    {
        await Task.WhenAll(_sessions).WaitAsync(TimeSpan.FromSeconds(30));
        // An intent waits for the disk, and so for every record before it.
        await _audit.AppendIntentAsync("flush.intent", AuditPayload.Create());
    }

    public IReadOnlyList<AuditRecord> Records(string type) => [.. AuditReader.Read(AuditPath).Where(record => record.Type == type)];

    public JsonElement Outcome() => Assert.Single(Records(AuditTypes.SessionOutcome)).Payload;

    public void AssertNoPasswordIn(ReadOnlySpan<byte> bytes) => Assert.True(bytes.IndexOf(System.Text.Encoding.ASCII.GetBytes(Password)) < 0, "the password stands there");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await EndedAsync();
        _server.Dispose();
        foreach (var socket in _sockets) socket.Dispose();
        AssertNoPasswordIn(await File.ReadAllBytesAsync(AuditPath));
        await _audit.DisposeAsync();
        _certificates.Dispose();
        Services.Redactor.Dispose();
        _grant.Dispose();
        _vault.Dispose();
        _authority.Dispose();
        _key.Dispose();
        ServerCertificate.Dispose();
        _serverAuthority.Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Open(RunSpec spec, ProviderCatalog catalog, string host, HostRuleSpec[] rules, string? cedar)
    {
        _grant = GrantUnlocker.Unlock(spec, _vault, catalog, RandomNumberGenerator.GetBytes(32)).Single();
        Assert.True(CanonicalHost.TryParse(host, out _host, out _));
        var port = ((IPEndPoint)_server.LocalEndpoint).Port;
        var network = new NetworkSpec
        {
            Mode = NetworkMode.Strict,
            Rules = [.. rules, .. GrantRules.For(spec.Grants, catalog, _vault)],
            CaPem = [_serverAuthority.Pem],
            HostPorts = [port],
            Resolve = ImmutableSortedDictionary<string, string>.Empty.Add(Host, $"127.0.0.1:{port}"),
        };
        var policy = NetworkPolicy.Compile(network);
        var redactor = new RunRedactor([_grant]);
        var gate = _gate = new PolicyGate(cedar is null ? null : Scene.PolicyOf(cedar), shadow: false);
        var recorder = new Recorder(_audit, redactor, Denials.Enqueue);
        Services = new DatabaseServices(policy, gate, _traffic = TestTraffic.Of(gate, recorder), [_grant], network, new SyntheticNames(), _certificates,
            new UpstreamDialer(network, PolicyAnswers.AddressCheck(policy)), recorder, redactor);
    }

    private void Serve(Func<Stream, Task> serve) => _ = Task.Run(async () =>
    {
        while (true)
        {
            var connection = await _server.AcceptSocketAsync();
            _sockets.Add(connection);
            _ = Task.Run(async () =>
            {
                using (connection)
                using (var stream = new NetworkStream(connection)) await serve(stream);
            });
        }
    });

    private static SslClientAuthenticationOptions TrustingClient(string pem, string host)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(pem));
        return new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = policy };
    }
}
