using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>Attacks on what a host rule covers (rows T-07, T-12, T-13, T-16, T-20).</summary>
public class HostRuleTests
{
    [Theory]
    [InlineData("allowed.example", true)]
    [InlineData("ALLOWED.example.", true)]
    [InlineData("allowed.example.evil.example", false)]
    [InlineData("evil-allowed.example", false)]
    [InlineData("evilallowed.example", false)]
    [InlineData("www.allowed.example", false)]
    [InlineData("example", false)]
    [InlineData("allowed.exampl", false)]
    [InlineData("allowed.examplee", false)]
    public void T_07_a_host_rule_covers_that_host_alone(string host, bool allowed)
    {
        var policy = Policies.Strict("allowed.example");
        Assert.Equal(allowed, policy.Allows(host));
        Assert.Equal(allowed, policy.Allows(host, "GET", "/"));
        Assert.Equal(allowed, policy.MayResolve(Policies.Host(host)));
    }

    [Theory]
    [InlineData("a.example.org", true)]
    [InlineData("a.b.c.example.org", true)]
    [InlineData("A.Example.Org.", true)]
    [InlineData("example.org", false)]
    [InlineData("evilexample.org", false)]
    [InlineData("evil-example.org", false)]
    [InlineData("a.example.org.evil.example", false)]
    [InlineData("org", false)]
    public void T_07_a_wildcard_ends_at_a_label(string host, bool allowed) => Assert.Equal(allowed, Policies.Strict("*.example.org").Allows(host));

    [Theory]
    [InlineData("s3.us-east-1.amazonaws.example", true)]
    [InlineData("a.s3.us-east-1.amazonaws.example", true)]
    [InlineData("s3.amazonaws.example", false)]
    [InlineData("amazonaws.example", false)]
    public void Each_star_of_a_wildcard_is_at_least_one_label(string host, bool allowed) => Assert.Equal(allowed, Policies.Strict("*.*.amazonaws.example").Allows(host));

    [Fact]
    public void A_star_alone_covers_every_public_host()
    {
        var policy = Policies.Strict("*");
        Assert.True(policy.Allows("a"));
        Assert.True(policy.Allows("a.b.example"));
        Assert.True(policy.Allows("1.1.1.1"));
        Assert.False(policy.Allows("a", 22));
        Assert.False(Policies.Strict("*.*").Allows("a"));
        Assert.True(Policies.Strict("*.*").Allows("a.b"));
    }

    [Theory]
    [InlineData("allowed.example", 80, true)]
    [InlineData("allowed.example", 443, true)]
    [InlineData("allowed.example", 22, false)]
    [InlineData("allowed.example", 25, false)]
    [InlineData("allowed.example", 8080, false)]
    [InlineData("allowed.example", 853, false)]
    [InlineData("allowed.example", 0, false)]
    [InlineData("ported.example", 8443, true)]
    [InlineData("ported.example", 443, false)]
    [InlineData("ported.example", 80, false)]
    [InlineData("a.wild.example", 9000, true)]
    [InlineData("a.wild.example", 443, false)]
    public void T_16_another_port_than_the_rule_s_is_denied(string host, int port, bool allowed)
    {
        var policy = Policies.Strict("allowed.example", "ported.example:8443", "*.wild.example:9000");
        Assert.Equal(allowed, policy.Allows(host, port));
        Assert.Equal(allowed, policy.Allows(host, "GET", "/", port));
    }

    public static TheoryData<string> PrivateHosts =>
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "::1", "[::ffff:127.0.0.1]", "10.0.0.1", "172.17.0.1", "192.168.1.1", "169.254.1.1",
        "fe80::1", "fd00::1", "100.64.0.1", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "64:ff9b::7f00:1", "2002:7f00:1::1", "::127.0.0.1", "64:ff9b:1::a00:1",
    ];

    [Theory]
    [MemberData(nameof(PrivateHosts))]
    public void T_12_no_mode_and_no_wildcard_opens_a_private_or_special_address(string text)
    {
        var host = Policies.Host(text);
        foreach (var policy in (NetworkPolicy[])[Policies.Permissive(), Policies.Permissive("*"), Policies.Strict("*"), Policies.Strict("*.*.*.*"), Policies.Strict()])
        {
            Assert.False(policy.DecideHost(host, 80).Allowed);
            Assert.False(policy.DecideRequest(host, 443, "GET", "/").Allowed);
            Assert.False(policy.MayResolve(host));
            Assert.False(policy.AllowsPrivateAddress(host, 443));
        }
    }

    [Theory]
    [InlineData("10.0.0.5", "10.0.0.5", true)]
    [InlineData("10.0.0.5", "0xa.5", true)]
    [InlineData("10.0.0.5", "[::ffff:10.0.0.5]", true)]
    [InlineData("::ffff:10.0.0.5", "10.0.0.5", true)]
    [InlineData("fd00::5", "[FD00:0::5]", true)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("10.0.0.5", "10.0.0.6", false)]
    [InlineData("10.0.0.5", "64:ff9b::a00:5", false)]
    [InlineData("0.0.0.0", "0.0.0.0", false)]
    [InlineData("224.0.0.1", "224.0.0.1", false)]
    public void T_12_a_rule_that_names_the_very_address_opens_it_where_it_can_be_a_host(string rule, string asked, bool allowed)
    {
        var policy = Policies.Compile(NetworkMode.Strict, new HostRuleSpec(rule, null, [], "test"));
        Assert.Equal(allowed, policy.Allows(asked));
        if (allowed) Assert.True(policy.AllowsPrivateAddress(Policies.Host(asked), 443));
        Assert.False(policy.AllowsPrivateAddress(Policies.Host(asked), 8080));
    }

    [Fact]
    public void T_12_a_name_s_own_rule_does_not_open_private_addresses_and_a_resolved_name_does()
    {
        var policy = NetworkPolicy.Compile(new NetworkSpec
        {
            Mode = NetworkMode.Strict,
            Rules = [Policies.Rule("git.example"), Policies.Rule("other.example"), Policies.Rule("*.example")],
            Resolve = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("git.example", "10.0.0.5"),
        });
        Assert.True(policy.AllowsPrivateAddress(Policies.Host("GIT.example."), 443));
        Assert.False(policy.AllowsPrivateAddress(Policies.Host("other.example"), 443));
        Assert.False(policy.AllowsPrivateAddress(Policies.Host("a.git.example"), 443));
    }

    [Theory]
    [InlineData("1.2.3.4")]
    [InlineData("[::ffff:1.2.3.4]")]
    [InlineData("64:ff9b::1.2.3.4")]
    [InlineData("2002:102:304::1")]
    public void T_12_a_denied_address_has_no_second_name(string asked)
    {
        Assert.False(Policies.Compile(NetworkMode.Permissive, Policies.Rule("1.2.3.4", "deny * /**")).Allows(asked));
        Assert.False(Policies.Compile(NetworkMode.Strict, Policies.Rule("1.2.3.4", "deny * /**"), Policies.Rule("*")).Allows(asked));
    }

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("0xa9fea9fe")]
    [InlineData("2852039166")]
    [InlineData("169.254.43518")]
    [InlineData("[::ffff:169.254.169.254]")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("fd00:ec2::254")]
    [InlineData("168.63.129.16")]
    [InlineData("100.100.100.200")]
    [InlineData("169.254.170.2")]
    [InlineData("169.254.170.23")]
    [InlineData("metadata.google.internal")]
    [InlineData("METADATA.google.internal.")]
    [InlineData("metadata")]
    [InlineData("metadata.goog")]
    public void T_13_a_metadata_endpoint_is_denied_whatever_a_rule_says(string text)
    {
        var host = Policies.Host(text);
        var named = NetworkPolicy.Compile(new NetworkSpec
        {
            Mode = NetworkMode.Permissive,
            Rules = [new HostRuleSpec(host.Value, null, [new RequestRuleSpec(true, "*", "/**")], "test"), Policies.Rule("*")],
            Resolve = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add(host.Value, "169.254.169.254"),
        });
        foreach (var policy in (NetworkPolicy[])[named, Policies.Permissive(), Policies.Strict("*", "*.google.internal")])
        {
            var decision = policy.DecideHost(host, 80);
            Assert.False(decision.Allowed);
            Assert.NotEmpty(decision.HowToAllow);
            Assert.False(policy.DecideRequest(host, 80, "GET", "/latest/meta-data/").Allowed);
            Assert.False(policy.MayResolve(host));
        }
    }

    [Fact]
    public void T_20_only_opened_ports_of_the_host_are_reached()
    {
        var closed = Policies.Permissive("moat-host");
        Assert.False(closed.Allows("moat-host", 5432));
        Assert.False(closed.MayResolve(Policies.Host("moat-host")));
        var open = NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Permissive, HostPorts = [5432] });
        Assert.True(open.Allows("moat-host", 5432));
        Assert.False(open.Allows("moat-host", 5433));
        Assert.False(open.Allows("moat-host", "GET", "/", 443));
        Assert.True(open.AllowsPrivateAddress(Policies.Host("moat-host"), 5432));
        Assert.False(open.AllowsPrivateAddress(Policies.Host("moat-host"), 5433));
        Assert.Contains("5433", open.DecideHost(Policies.Host("moat-host"), 5433).HowToAllow, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_rule_in_order_that_covers_host_and_port_decides()
    {
        var narrow = Policies.Rule("api.example", "allow GET /**");
        var grant = new HostRuleSpec("api.example", null, [], "grant x");
        Assert.False(Policies.Compile(NetworkMode.Strict, narrow, grant).Allows("api.example", "POST", "/"));
        Assert.True(Policies.Compile(NetworkMode.Strict, grant, narrow).Allows("api.example", "POST", "/"));

        // Order counts between a wildcard and a name, too, and a rule for another port does not stand in the way.
        var wild = Policies.Rule("*.example", "deny * /**");
        Assert.False(Policies.Compile(NetworkMode.Strict, wild, grant).Allows("api.example"));
        Assert.True(Policies.Compile(NetworkMode.Strict, grant, wild).Allows("api.example"));
        Assert.True(Policies.Compile(NetworkMode.Strict, Policies.Rule("*.example:80", "deny * /**"), grant).Allows("api.example"));
        Assert.False(Policies.Compile(NetworkMode.Strict, Policies.Rule("*.b.example", "deny * /**"), Policies.Rule("*.example")).Allows("a.b.example"));
    }

    [Fact]
    public void A_name_is_answered_where_some_port_of_it_may_be_reached()
    {
        var host = Policies.Host("a.example");
        Assert.True(Policies.Compile(NetworkMode.Strict, Policies.Rule("a.example:80", "deny * /**"), Policies.Rule("a.example:443")).MayResolve(host));
        Assert.True(Policies.Strict("a.example:8443").MayResolve(host));
        Assert.False(Policies.Scoped(NetworkMode.Strict, "a.example", "deny * /**").MayResolve(host));
        Assert.False(Policies.Scoped(NetworkMode.Permissive, "a.example", "deny * /**").MayResolve(host));
        Assert.False(Policies.Scoped(NetworkMode.Strict, "a.example", "deny GET /x").MayResolve(host));
        Assert.True(Policies.Scoped(NetworkMode.Permissive, "a.example", "deny GET /x").MayResolve(host));
        Assert.True(Policies.Permissive().MayResolve(host));
        Assert.False(Policies.Strict().MayResolve(host));
    }

    [Fact]
    public void A_wildcard_is_told_for_the_budget_unless_a_rule_names_the_host()
    {
        var policy = Policies.Strict("*.example", "a.example");
        Assert.Equal("*.example (moat.yaml:7)", policy.WildcardFor(Policies.Host("b.example")));
        Assert.Null(policy.WildcardFor(Policies.Host("a.example")));
        Assert.Null(policy.WildcardFor(Policies.Host("example")));
        Assert.Null(policy.WildcardFor(Policies.Host("b.other")));
        Assert.NotNull(Policies.Strict("*.example:8443").WildcardFor(Policies.Host("b.example")));
    }
}
