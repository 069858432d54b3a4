using CsCheck;
using Moat.Spec;
using static Moat.Policy.Tests.Hosts;

namespace Moat.Policy.Tests;

public class NetworkPolicyTests
{
    [Theory]
    [InlineData("allowed.com", true)]
    [InlineData("ALLOWED.com.", true)]
    [InlineData("allowed.com.evil.com", false)]
    [InlineData("evil-allowed.com", false)]
    [InlineData("sub.allowed.com", false)]
    [InlineData("a.wild.example", true)]
    [InlineData("a.b.wild.example", true)]
    [InlineData("wild.example", false)]
    [InlineData("evilwild.example", false)]
    [InlineData("wild.example.evil.com", false)]
    [InlineData("x.y.two.example", true)]
    [InlineData("x.two.example", false)]
    public void T_07_hosts_match_on_label_boundaries(string host, bool allowed)
    {
        var policy = Strict(Rule("allowed.com"), Rule("*.wild.example"), Rule("*.*.two.example"));
        Assert.Equal(allowed, policy.DecideHost(Of(host), 443).Allowed);
        Assert.Equal(allowed, policy.DecideRequest(Of(host), 443, "GET", "/").Allowed);
        Assert.Equal(allowed, policy.MayResolve(Of(host)));
    }

    [Theory]
    [InlineData("allowed.com", 443, true)]
    [InlineData("allowed.com", 80, true)]
    [InlineData("allowed.com", 22, false)]
    [InlineData("allowed.com", 8080, false)]
    [InlineData("other.com", 8443, true)]
    [InlineData("other.com", 443, false)]
    public void T_16_a_port_needs_to_be_in_the_rule(string host, int port, bool allowed) =>
        Assert.Equal(allowed, Strict(Rule("allowed.com"), Rule("other.com:8443")).DecideHost(Of(host), port).Allowed);

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("0xA9FEA9FE")]
    [InlineData("[::ffff:169.254.169.254]")]
    [InlineData("metadata.google.internal")]
    [InlineData("METADATA.google.internal.")]
    public void T_13_metadata_is_denied_in_permissive_mode_and_against_a_rule(string host)
    {
        var policy = Permissive(Rule("169.254.169.254"), Rule("metadata.google.internal"));
        Assert.False(policy.DecideHost(Of(host), 80).Allowed);
        Assert.False(policy.DecideRequest(Of(host), 80, "GET", "/").Allowed);
        Assert.False(policy.MayResolve(Of(host)));
    }

    [Fact]
    public void T_20_only_a_named_address_opens_a_private_one()
    {
        var policy = NetworkPolicy.Compile(new NetworkSpec
        {
            Mode = NetworkMode.Permissive,
            Rules = [Rule("internal.example"), Rule("*.example"), Rule("10.0.0.5")],
            HostPorts = [11434],
            Resolve = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("git.corp.example", "10.0.0.9"),
        });
        Assert.False(policy.AllowsPrivateAddress(Of("internal.example"), 443));
        Assert.False(policy.AllowsPrivateAddress(Of("a.example"), 443));
        Assert.False(policy.AllowsPrivateAddress(Of("10.0.0.5"), 22));
        Assert.True(policy.AllowsPrivateAddress(Of("10.0.0.5"), 443));
        Assert.True(policy.AllowsPrivateAddress(Of("git.corp.example"), 443));
        Assert.True(policy.DecideHost(Of("moat-host"), 11434).Allowed);
        Assert.False(policy.DecideHost(Of("moat-host"), 22).Allowed);
        Assert.False(policy.DecideHost(Of("127.0.0.1"), 443).Allowed);
    }

    [Theory]
    [InlineData("GET", "/repos/me/x", true)]
    [InlineData("GET", "/repos", true)]
    [InlineData("GET", "/repos/", true)]
    [InlineData("GET", "/repos/me/secret", false)]
    [InlineData("GET", "/repos/me/SECRET", false)]
    [InlineData("POST", "/repos/me/x", false)]
    [InlineData("get", "/repos/me/x", false)]
    [InlineData("GET", "/user", false)]
    [InlineData("GET", "/repos/me/x?y=/../user", true)]
    public void T_46_request_rules_are_read_in_order(string method, string path, bool allowed)
    {
        var policy = Strict(Rule("api.example", "deny * /repos/*/secret", "allow GET /repos/**", "deny * /**"));
        Assert.Equal(allowed, policy.DecideRequest(Of("api.example"), 443, method, path).Allowed);
        Assert.True(policy.DecideHost(Of("api.example"), 443).Allowed);
        Assert.True(policy.HasRequestRules(Of("api.example"), 443));
    }

    [Theory]
    [InlineData("/a/%2e%2e/b")]
    [InlineData("/a/../b")]
    [InlineData("/a/./b")]
    [InlineData("/a//b")]
    [InlineData("//a")]
    [InlineData("/a%2fb")]
    [InlineData("/a%5cb")]
    [InlineData("/a\\b")]
    [InlineData("/a;x/b")]
    [InlineData("/a%3bx")]
    [InlineData("/a%252e")]
    [InlineData("/a%00")]
    [InlineData("/a%ff")]
    [InlineData("/a%c0%af")]
    [InlineData("/a%")]
    [InlineData("/a%zz")]
    [InlineData("/a#b")]
    [InlineData("a")]
    [InlineData("")]
    public void T_55_T_57_a_path_that_two_servers_read_in_two_ways_is_denied_where_rules_have_paths(string path)
    {
        Assert.False(Strict(Rule("api.example", "allow * /**")).DecideRequest(Of("api.example"), 443, "GET", path).Allowed);
        Assert.False(Permissive(Rule("api.example", "deny GET /secret")).DecideRequest(Of("api.example"), 443, "GET", path).Allowed);
        Assert.True(Strict(Rule("api.example")).DecideRequest(Of("api.example"), 443, "GET", path).Allowed);
    }

    [Fact]
    public void The_first_rule_that_covers_host_and_port_decides()
    {
        var policy = Strict(Rule("api.example", "deny * /**"), Rule("*.example"), Rule("api.example:8443"));
        Assert.False(policy.DecideHost(Of("api.example"), 443).Allowed);
        Assert.True(policy.DecideHost(Of("api.example"), 8443).Allowed);
        Assert.True(policy.DecideHost(Of("b.example"), 443).Allowed);
    }

    [Fact]
    public void A_denial_names_the_rule_the_reason_and_the_mend()
    {
        var decision = Strict().DecideHost(Of("evil.example"), 8443);
        Assert.Equal("default", decision.Rule);
        Assert.Contains("strict", decision.Reason, StringComparison.Ordinal);
        Assert.Contains("--allow-host evil.example:8443", decision.HowToAllow, StringComparison.Ordinal);
        Assert.Throws<MoatException>(() => Strict(Rule("not a host")));
        Assert.Throws<MoatException>(() => Strict(Rule("*.1.2.3.4")));
    }

    [Fact]
    public void Matching_agrees_with_a_naive_reading_of_the_rules()
    {
        var label = Any("a", "b", "c");
        var host = label.Array[1, 4].Select(l => string.Join('.', l));
        var pattern = Gen.Select(Gen.Int[0, 2], host).Select((stars, h) => string.Concat(Enumerable.Repeat("*.", stars)) + h);
        var path = Any("x", "y").Array[0, 3].Select(s => "/" + string.Join('/', s));
        var glob = Any("x", "y", "*", "**").Array[1, 3].Select(s => "/" + string.Join('/', s));
        var request = Gen.Select(Any("allow", "deny"), Any("GET", "POST", "*"), glob).Select((a, m, p) => $"{a} {m} {p}");
        var rule = Gen.Select(pattern, Any("", ":443", ":99"), request.Array[0, 3]).Select((p, port, r) => Rule(p + port, r));
        Gen.Select(rule.Array[0, 5], host, Any(443, 99), Any("GET", "POST"), path, Gen.Bool).Sample((rules, h, port, method, p, strict) =>
        {
            var policy = strict ? Strict(rules) : Permissive(rules);
            Assert.Equal(NaiveOracle.Allows(rules, h, port, method, p, strict), policy.DecideRequest(Of(h), port, method, p).Allowed);
        }, iter: 20_000);
    }

    [Fact]
    public void Nothing_that_a_client_sends_makes_a_decision_throw() =>
        Gen.Select(Gen.String, Gen.String, Gen.Int[-1, 70000]).Sample((method, path, port) =>
        {
            var policy = Strict(Rule("api.example", "allow GET /a/**"));
            policy.DecideRequest(Of("api.example"), port, method, path);
        }, iter: 20_000);
}
