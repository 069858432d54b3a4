using System.Net;
using Moat.Kernel.Lsm;
using Moat.Spec;

namespace Moat.Kernel.Tests;

public sealed class ConnectTableTests
{
    [Fact]
    public void A_narrower_network_is_asked_first_and_leaves_the_rest_to_the_wider()
    {
        var table = ConnectTable.Build([Rule("10.0.0.0/8", 0, 65535, true), Rule("10.1.0.0/16", 22, 22, false)]);
        Assert.Equal([(22, 22, 0), (0, 65535, 1)], table.Values.Single(entries => entries.Length == 2).Select(Told));
        Assert.Equal([(0, 65535, 1)], table.Values.Single(entries => entries.Length == 1).Select(Told));
    }

    [Fact]
    public void The_narrower_range_comes_first_and_of_equal_ranges_the_denial() =>
        Assert.Equal([(80, 80, 1), (1, 100, 0), (1, 100, 1)], ConnectTable.Build([Rule("::/0", 1, 100, true), Rule("::/0", 1, 100, false), Rule("::/0", 80, 80, true)]).Single().Value.Select(Told));

    [Fact]
    public void A_network_of_version_4_lies_within_the_mapped_ones() =>
        Assert.Equal(2, ConnectTable.Build([Rule("::ffff:0:0/96", 1, 1, false), Rule("127.0.0.1/32", 2, 2, true)]).Values.Max(entries => entries.Length));

    [Fact]
    public void More_ranges_than_the_kernel_holds_are_refused_and_not_dropped() =>
        Assert.Throws<MoatException>(() => ConnectTable.Build([.. Enumerable.Range(1, NetRules.Maximum + 1).Select(port => Rule("::1/128", port, port, true))]));

    [Theory]
    [InlineData(-1, 5)]
    [InlineData(5, 4)]
    [InlineData(0, 65536)]
    public void What_is_no_range_of_ports_is_refused(int low, int high) => Assert.Throws<MoatException>(() => ConnectTable.Build([Rule("::1/128", low, high, true)]));

    private static KernelConnectRule Rule(string network, int low, int high, bool allow) => new(IPNetwork.Parse(network), low, high, KernelTransport.Any, allow);

    private static (int Low, int High, int Allow) Told(PortRule rule) => (rule.Low, rule.High, rule.Allow);
}
