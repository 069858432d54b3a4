using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Moat.Gateway.Upstream;
using Moat.Spec;

namespace Moat.Gateway.Tests.Upstream;

public sealed class UpstreamDialerTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<(string Host, int Port, IPAddress Address)> _checked = [];

    public UpstreamDialerTests() => _listener.Start();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    [Fact]
    public async Task A_mapped_name_is_dialled_at_its_address_and_port_after_the_check()
    {
        var dialer = Dialer(refuse: _ => false, ("api.test", $"127.0.0.1:{Port}"));
        await using var stream = await dialer.DialAsync("api.test", 443, Cancel);
        using var accepted = await _listener.AcceptSocketAsync(Cancel);
        Assert.Equal(("api.test", 443, IPAddress.Loopback), Assert.Single(_checked));
        Assert.True(((NetworkStream)stream).Socket.NoDelay);
    }

    [Fact]
    public async Task A_mapped_name_without_a_port_keeps_the_port_of_the_request()
    {
        await using var stream = await Dialer(refuse: _ => false, ("api.test", "127.0.0.1")).DialAsync("api.test", Port, Cancel);
        using var accepted = await _listener.AcceptSocketAsync(Cancel);
        Assert.Equal(Port, ((IPEndPoint)accepted.LocalEndPoint!).Port);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::ffff:127.0.0.1", "127.0.0.1")]
    [InlineData("::ffff:169.254.169.254", "169.254.169.254")]
    [InlineData("169.254.169.254", "169.254.169.254")]
    [InlineData("fd00:ec2::254", "fd00:ec2::254")]
    [InlineData("64:ff9b::7f00:1", "64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::", "2002:7f00:1::")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("::", "::")]
    public async Task T_12_each_form_is_checked_as_the_address_that_would_be_dialled(string literal, string seen)
    {
        var dialer = Dialer(refuse: _ => true, ("api.test", literal));
        foreach (var host in new[] { literal, "api.test" })
        {
            _checked.Clear();
            var failure = await Assert.ThrowsAsync<UpstreamException>(async () => await dialer.DialAsync(host, Port, Cancel));
            Assert.Equal(UpstreamFailure.AddressDenied, failure.Kind);
            Assert.Equal(IPAddress.Parse(seen), Assert.Single(_checked).Address);
        }
        Assert.False(_listener.Pending());
    }

    [Fact]
    public async Task T_13_a_name_that_resolves_to_the_loopback_is_refused_before_anything_is_dialled()
    {
        var dialer = Dialer(refuse: IPAddress.IsLoopback);
        var failure = await Assert.ThrowsAsync<UpstreamException>(async () => await dialer.DialAsync("localhost", Port, Cancel));
        Assert.Equal(UpstreamFailure.AddressDenied, failure.Kind);
        Assert.NotEmpty(_checked);
        Assert.False(_listener.Pending());
    }

    [Fact]
    public async Task Only_the_checked_addresses_of_a_name_are_dialled()
    {
        // localhost has ::1 on some machines; the one address let through is the one dialled.
        var dialer = Dialer(refuse: address => !address.Equals(IPAddress.Loopback));
        await using var stream = await dialer.DialAsync("localhost", Port, Cancel);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)((NetworkStream)stream).Socket.RemoteEndPoint!).Address);
    }

    [Fact]
    public async Task T_20_the_host_name_reaches_only_the_listed_ports()
    {
        var dialer = new UpstreamDialer(Network() with { HostPorts = [Port] }, (_, _, _) => "never asked");
        await using var stream = await dialer.DialAsync("moat-host", Port, Cancel);
        var failure = await Assert.ThrowsAsync<UpstreamException>(async () => await dialer.DialAsync("moat-host", Port + 1, Cancel));
        Assert.Equal(UpstreamFailure.AddressDenied, failure.Kind);
    }

    [Fact]
    public async Task A_refused_connection_and_an_unknown_name_say_so()
    {
        var closed = Port;
        _listener.Stop();
        var dialer = Dialer(refuse: _ => false);
        var refused = await Assert.ThrowsAsync<UpstreamException>(async () => await dialer.DialAsync("127.0.0.1", closed, Cancel));
        Assert.Equal(UpstreamFailure.Refused, refused.Kind);
        // RFC 6761 §6.4: no resolver finds it.
        var unknown = await Assert.ThrowsAsync<UpstreamException>(async () => await dialer.DialAsync("nothing.invalid", 443, Cancel));
        Assert.Equal(UpstreamFailure.NameNotFound, unknown.Kind);
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_told_so_and_not_that_the_upstream_failed()
    {
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Dialer(refuse: _ => false).DialAsync("127.0.0.1", Port, gone.Token));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:99999")]
    [InlineData("example.org")]
    public void A_mapping_that_is_no_address_is_an_error_with_a_mend(string target)
        => Assert.Throws<MoatException>(() => Dialer(refuse: _ => false, ("api.test", target)));

    public void Dispose() => _listener.Dispose();

    private UpstreamDialer Dialer(Func<IPAddress, bool> refuse, params (string Host, string Target)[] resolve)
        => new(Network() with { Resolve = resolve.ToImmutableSortedDictionary(pair => pair.Host, pair => pair.Target) }, (host, port, address) =>
        {
            _checked.Add((host, port, address));
            return refuse(address) ? "a private address" : null;
        });

    private static NetworkSpec Network() => new() { Mode = NetworkMode.Strict };
}
