using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Moat.Audit;
using Moat.Gateway.Certificates;
using Moat.Gateway.Dns;
using Moat.Gateway.Doors;
using Moat.Gateway.Pipeline;
using Moat.Policy;

namespace Moat.Gateway.Tests;

/// <summary>Which host a captured connection is for: the name behind its address, its TLS server name, or the address.</summary>
public sealed class TransparentDoorTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moat-door-").FullName;
    private readonly AuditKey _key = AuditKey.Generate();
    private readonly AuditLog _audit;
    private readonly RunAuthority _authority = RunAuthority.Create("run_test");
    private readonly LeafCertificates _certificates;
    private readonly SyntheticNames _names = new();
    private readonly List<Denial> _denials = [];
    private readonly TransparentDoor _transparent;
    private readonly TlsDoor _tls;

    public TransparentDoorTests()
    {
        _audit = AuditLog.Create(Path.Combine(_folder, "audit.jsonl"), new AuditOptions { Origin = "moat/test", Key = _key });
        _certificates = new LeafCertificates(_authority);
        var recorder = new Recorder(_audit, new RunRedactor([]), _denials.Add);
        var gate = new PolicyGate(policy: null, shadow: false);
        _transparent = new TransparentDoor(_names, TestTraffic.Of(gate, recorder), recorder);
        _tls = new TlsDoor(_certificates, recorder);
    }

    public async ValueTask DisposeAsync()
    {
        await _audit.DisposeAsync();
        _certificates.Dispose();
        _authority.Dispose();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false, "api.moat.test", "api.moat.test")]
    [InlineData(false, "API.moat.test", "api.moat.test")]
    [InlineData(false, null, "api.moat.test")]
    [InlineData(true, "api.moat.test", "api.moat.test")]
    [InlineData(true, "", "api.moat.test")]
    public async Task A_synthetic_address_stands_for_its_name(bool v6, string? serverName, string expected)
    {
        var door = await CaptureAsync(Synthetic("api.moat.test", v6), serverName);
        Assert.Equal((expected, 443, true), (door.Host!.Value.Value, door.Port, door.Tls));
        Assert.Empty(_denials);
    }

    [Fact]
    public async Task T_01_another_server_name_than_the_one_behind_the_address_is_refused()
    {
        await Assert.ThrowsAsync<AuthenticationException>(() => CaptureAsync(Synthetic("api.moat.test", v6: false), "evil.moat.test"));
        Assert.Equal("identity", Assert.Single(_denials).Kind);
    }

    [Theory]
    [InlineData("192.0.2.7", "api.moat.test", "api.moat.test")]
    [InlineData("192.0.2.7", null, "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", null, "192.0.2.7")]
    [InlineData("2001:db8::7", null, "2001:db8::7")]
    [InlineData("fe80::7%3", null, "fe80::7")]
    public async Task An_address_nobody_handed_out_is_named_by_the_handshake_or_by_itself(string address, string? serverName, string expected)
    {
        var door = await CaptureAsync(IPAddress.Parse(address), serverName);
        Assert.Equal(expected, door.Host!.Value.Value);
    }

    [Theory]
    [InlineData("api moat test")]
    [InlineData("api.moat.test:443")]
    [InlineData("user@api.moat.test")]
    [InlineData("*.moat.test")]
    public async Task A_server_name_that_is_no_host_is_refused(string serverName)
    {
        await Assert.ThrowsAsync<AuthenticationException>(() => CaptureAsync(IPAddress.Parse("192.0.2.7"), serverName));
        Assert.Single(_denials);
    }

    [Fact]
    public void A_leaf_names_exactly_its_host_and_is_kept()
    {
        Assert.True(CanonicalHost.TryParse("api.moat.test", out var host, out _));
        var context = _certificates.For(host);
        Assert.Same(context, _certificates.For(host));
        Assert.True(context.TargetCertificate.MatchesHostname("api.moat.test"));
        Assert.False(context.TargetCertificate.MatchesHostname("x.api.moat.test"));

        Assert.True(CanonicalHost.TryParse("[2001:db8::7]", out var address, out _));
        Assert.True(_certificates.For(address).TargetCertificate.MatchesHostname("2001:db8::7"));

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(_authority.CertificatePem);
        Assert.True(chain.Build(context.TargetCertificate));
    }

    [Fact]
    public void T_54_endless_names_do_not_take_endless_memory()
    {
        Assert.True(CanonicalHost.TryParse("first.moat.test", out var first, out _));
        var kept = _certificates.For(first);
        for (var i = 0; i < LeafCertificates.Capacity; i++)
        {
            Assert.True(CanonicalHost.TryParse($"n{i}.moat.test", out var host, out _));
            _certificates.For(host);
        }
        Assert.NotSame(kept, _certificates.For(first));
    }

    private IPAddress Synthetic(string name, bool v6)
    {
        Assert.True(_names.TryGet(name, out var v4Address, out var v6Address));
        return v6 ? v6Address : v4Address;
    }

    private async Task<DoorConnection> CaptureAsync(IPAddress address, string? serverName)
    {
        var input = new Pipe();
        await input.Writer.WriteAsync(new byte[] { TlsDoor.HandshakeRecord, 3, 1 });
        var connection = new DefaultConnectionContext("test", new DuplexPipe(input.Reader, new Pipe().Writer), new DuplexPipe(input.Reader, new Pipe().Writer))
        {
            LocalEndPoint = new IPEndPoint(address, 443),
        };
        var entered = false;
        await _transparent.OnHttpsAsync(connection, taken =>
        {
            entered = true;
            // The bytes that were looked at are still there.
            Assert.True(taken.Transport.Input.TryRead(out var read));
            Assert.Equal(TlsDoor.HandshakeRecord, read.Buffer.ToArray()[0]);
            _tls.Accept(taken, serverName);
            return Task.CompletedTask;
        });
        Assert.True(entered);
        return connection.Features.Get<DoorConnection>()!;
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
