using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Moat.Audit;
using Moat.Credentials.Ssh;
using Moat.Gateway.Dns;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Ssh;
using Moat.Gateway.Upstream;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway.Tests.Ssh;

/// <summary>Port 22: to the granted host and nowhere else. The address that a client meant is told apart from the bytes.</summary>
public class RelayTests
{
    private const string Named = "named.moat.test";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_go_to_the_granted_host_and_back_and_are_counted()
    {
        await using var scene = new RelayScene();
        using var client = await scene.ConnectAsync();
        await client.SendAsync("question"u8.ToArray(), Ct);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("SSH-2.0-test\r\nquestion", await ReadAsync(client));
        var records = await scene.RecordsAsync();
        Assert.Equal([AuditTypes.ConnectIntent, AuditTypes.ConnectOutcome], records.Select(record => record.Type));
        Assert.Equal((Named, 22, "ssh:" + Named), (records[0].Payload.GetProperty("host").GetString(), records[0].Payload.GetProperty("port").GetInt32(), records[0].Payload.GetProperty("grant").GetString()));
        Assert.Equal((8, 22), (records[1].Payload.GetProperty("bytes_in").GetInt64(), records[1].Payload.GetProperty("bytes_out").GetInt64()));
        Assert.Empty(scene.Denials);
    }

    [Fact]
    public async Task T_46_a_host_without_a_grant_is_not_reached_whatever_the_rules_say()
    {
        await using var scene = new RelayScene(granted: "elsewhere.moat.test", rules: [new HostRuleSpec(Named, 22, [], "test")]);
        await RefusedAsync(scene, "no grant is for SSH to this host");
    }

    [Fact]
    public async Task T_46_a_granted_host_that_a_rule_denies_is_not_reached()
    {
        await using var scene = new RelayScene(rules: [new HostRuleSpec(Named, 22, [new RequestRuleSpec(false, "*", "/**")], "test")]);
        await RefusedAsync(scene, "denies");
    }

    [Fact]
    public async Task T_46_a_granted_host_that_leads_to_a_private_address_is_not_reached()
    {
        await using var scene = new RelayScene(granted: "localhost", meant: "localhost");
        await RefusedAsync(scene, "may not reach", dialed: true);
    }

    [Fact]
    public void T_46_an_address_stands_for_the_name_that_it_was_given_for_and_for_no_other()
    {
        var names = new SyntheticNames();
        Assert.True(names.TryGet("given.moat.test", out var v4, out var v6));
        Assert.Equal("given.moat.test", Doors.TransparentDoor.Behind(new IPEndPoint(v4, 22), names)?.Value);
        Assert.Equal("given.moat.test", Doors.TransparentDoor.Behind(new IPEndPoint(v6, 22), names)?.Value);
        Assert.Null(Doors.TransparentDoor.Behind(new IPEndPoint(IPAddress.Parse("198.18.77.7"), 22), names));
        Assert.Equal("192.0.2.1", Doors.TransparentDoor.Behind(new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.1"), 22), names)?.Value);
    }

    [Fact]
    public async Task T_46_what_no_name_stands_behind_is_not_reached()
    {
        await using var scene = new RelayScene(meant: null);
        await RefusedAsync(scene, "no name");
    }

    [Fact]
    public async Task A_revocation_ends_the_session_that_is_under_way()
    {
        await using var scene = new RelayScene();
        using var client = await scene.ConnectAsync();
        var buffer = new byte[64];
        Assert.True(await client.ReceiveAsync(buffer, Ct) > 0);
        scene.Grants.Remove("ssh:" + Named);
        scene.Grants.CheckNow();
        Assert.Equal("", await ReadAsync(client));
        using var next = await scene.ConnectAsync();
        Assert.Equal("", await ReadAsync(next));
        Assert.Contains("no good any more", scene.Denials.Last().Reason, StringComparison.Ordinal);
        var outcome = (await scene.RecordsAsync()).Single(record => record.Type == AuditTypes.ConnectOutcome);
        Assert.Equal("the grant was revoked", outcome.Payload.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_policy_that_is_replaced_ends_the_session_that_it_denies()
    {
        await using var scene = new RelayScene(cedar: "permit (principal, action, resource);");
        using var client = await scene.ConnectAsync();
        Assert.True(await client.ReceiveAsync(new byte[64], Ct) > 0);
        Assert.Equal(0, scene.Replace("permit (principal, action, resource); forbid (principal, action, resource == Host::\"elsewhere.example\");"));
        Assert.Equal(1, scene.Replace($"permit (principal, action, resource); forbid (principal, action == Action::\"NetworkConnect\", resource == Host::\"{Named}\");"));
        Assert.Equal("", await ReadAsync(client));
        var outcome = (await scene.RecordsAsync()).Single(record => record.Type == AuditTypes.ConnectOutcome);
        Assert.Contains("the policy was replaced", outcome.Payload.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private static async Task RefusedAsync(RelayScene scene, string reason, bool dialed = false)
    {
        using var client = await scene.ConnectAsync();
        Assert.Equal("", await ReadAsync(client));
        var records = await scene.RecordsAsync();
        Assert.Equal(dialed ? [AuditTypes.ConnectIntent, AuditTypes.ConnectDenied, AuditTypes.ConnectOutcome] : [AuditTypes.ConnectDenied], records.Select(record => record.Type));
        Assert.Contains(reason, Assert.Single(scene.Denials).Reason, StringComparison.Ordinal);
        Assert.Equal(0, scene.Accepted);
    }

    /// <summary>Everything until the end, which may be a reset.</summary>
    private static async Task<string> ReadAsync(Socket client)
    {
        var text = new StringBuilder();
        var buffer = new byte[1024];
        try
        {
            while (await client.ReceiveAsync(buffer, Ct) is > 0 and var length) text.Append(Encoding.ASCII.GetString(buffer, 0, length));
        }
        catch (SocketException)
        {
            // The reset of a refusal.
        }
        return text.ToString();
    }

    /// <summary>A relay before an upstream that greets and then says what it is told.</summary>
    private sealed class RelayScene : IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("moat-relay-").FullName;
        private readonly AuditKey _key = AuditKey.Generate();
        private readonly RunRedactor _redactor;
        private readonly AuditLog _audit;
        private readonly Socket _inside = Listening();
        private readonly Socket _upstream = Listening();
        private readonly SocketServer _relay;
        private readonly SocketServer _echo;
        private readonly PolicyGate _gate;
        private readonly LiveTraffic _traffic;
        private int _accepted;

        public RelayScene(string granted = Named, ImmutableArray<HostRuleSpec> rules = default, string? meant = Named, string? cedar = null)
        {
            var key = TestSshKey.Create();
            Grants.Put(new Credentials.StoredCredential
            {
                Provider = SshGrant.Prefix + granted,
                Token = Credentials.Secret.FromText(Convert.ToBase64String(key.Section)),
                CreatedAt = DateTimeOffset.UnixEpoch,
                Metadata = ImmutableSortedDictionary<string, string>.Empty.Add("key", key.Public.ToString()).Add("host_keys", key.Public.ToString()).Add("backing", "vault").Add("sign_commits", "no"),
            });
            Grants.Unlock([SshGrant.Prefix + granted]);
            _audit = AuditLog.Create(AuditPath, new AuditOptions { Origin = "moat/test", Key = _key });
            _redactor = new RunRedactor(Grants.Unlocked);
            var recorder = new Recorder(_audit, _redactor, Denials.Enqueue);
            var port = ((IPEndPoint)_upstream.LocalEndPoint!).Port;
            var spec = new NetworkSpec
            {
                Mode = NetworkMode.Strict,
                Rules = [.. rules.IsDefault ? [] : rules, new HostRuleSpec(granted, 22, [], "grant")],
                Resolve = ImmutableSortedDictionary<string, string>.Empty.Add(Named, $"127.0.0.1:{port}"),
            };
            var policy = NetworkPolicy.Compile(spec);
            var grants = new SshGrants(Grants.Unlocked, agentSocket: null);
            _gate = new PolicyGate(cedar is null ? null : Scene.PolicyOf(cedar), shadow: false);
            _traffic = TestTraffic.Of(_gate, recorder);
            var relay = new SshRelay(new SyntheticNames(), grants, policy, _gate, _traffic, new UpstreamDialer(spec, PolicyAnswers.AddressCheck(policy)), recorder);
            _relay = SocketServer.Start([_inside.SafeHandle], SshRelay.MaxConnections,
                (client, stop) => relay.ServeAsync(client, meant is not null && CanonicalHost.TryParse(meant, out var host, out _) ? host : null, stop));
            _echo = SocketServer.Start([_upstream.SafeHandle], 8, EchoAsync);
        }

        public TestGrants Grants { get; } = new();

        public System.Collections.Concurrent.ConcurrentQueue<Denial> Denials { get; } = new();

        public int Accepted => Volatile.Read(ref _accepted);

        private string AuditPath => Path.Combine(_folder, "audit.jsonl");

        public int Replace(string cedar)
        {
            _gate.Replace(Scene.PolicyOf(cedar));
            return _traffic.Rejudge();
        }

        public async Task<Socket> ConnectAsync()
        {
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await client.ConnectAsync(_inside.LocalEndPoint!, Ct);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Refused before this side had seen that it was connected; what is read of it is nothing.
            }
            return client;
        }

        /// <summary>The records of all connections. Stops the relay first: an outcome is recorded after the client has its end.</summary>
        public async Task<IReadOnlyList<AuditRecord>> RecordsAsync()
        {
            await _relay.DisposeAsync();
            await _audit.AppendIntentAsync("test.flush", AuditPayload.Create(), Ct);
            return [.. AuditReader.Read(AuditPath).Where(record => record.Type.StartsWith("connect.", StringComparison.Ordinal))];
        }

        public async ValueTask DisposeAsync()
        {
            await _relay.DisposeAsync();
            await _echo.DisposeAsync();
            GC.KeepAlive(_inside);
            GC.KeepAlive(_upstream);
            await _audit.DisposeAsync();
            _redactor.Dispose();
            Grants.Dispose();
            _key.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private async Task EchoAsync(Socket connection, CancellationToken stop)
        {
            Interlocked.Increment(ref _accepted);
            await connection.SendAsync("SSH-2.0-test\r\n"u8.ToArray(), stop);
            var buffer = new byte[1024];
            while (await connection.ReceiveAsync(buffer, stop) is > 0 and var length) await connection.SendAsync(buffer.AsMemory(0, length), stop);
        }

        private static Socket Listening()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            socket.Listen();
            return socket;
        }
    }
}
