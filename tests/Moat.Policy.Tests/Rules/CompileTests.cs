using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>A rule that cannot do what it says is an error with its place, never a silent hole.</summary>
public class CompileTests
{
    [Theory]
    [InlineData("")]
    [InlineData("https://a.example")]
    [InlineData("a.example@evil.example")]
    [InlineData("*.")]
    [InlineData("*a.example")]
    [InlineData("a.*.example")]
    [InlineData("*.10.0.0.1")]
    [InlineData("10.0.0.0/8")]
    [InlineData("bücher.example")]
    [InlineData("1.2.3.4.5")]
    [InlineData("fe80::1%eth0")]
    public void A_host_that_is_none_is_refused(string host)
    {
        var error = Assert.Throws<MoatException>(() => Policies.Compile(NetworkMode.Strict, new HostRuleSpec(host, null, [], "moat.yaml:12")));
        Assert.Contains("moat.yaml:12", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Mend);
    }

    [Theory]
    [InlineData("GET", "")]
    [InlineData("GET", "admin")]
    [InlineData("GET", "/admin*")]
    [InlineData("GET", "/a/***")]
    [InlineData("GET", "/a/*b/c")]
    [InlineData("GET", "/a//b")]
    [InlineData("GET", "//")]
    [InlineData("GET", "/a/../b")]
    [InlineData("GET", "/a?b")]
    [InlineData("GET", "/a#b")]
    [InlineData("GET", "/a;b")]
    [InlineData("GET", "/a%2fb")]
    [InlineData("GET", "/a%")]
    [InlineData("GET", "/é")]
    [InlineData("GET", "/a b")]
    [InlineData("get", "/")]
    [InlineData("", "/")]
    [InlineData("GET POST", "/")]
    [InlineData("**", "/")]
    public void A_request_rule_that_could_match_nothing_is_refused(string method, string path)
    {
        var error = Assert.Throws<MoatException>(() => Policies.Compile(NetworkMode.Strict, new HostRuleSpec("a.example", null, [new RequestRuleSpec(false, method, path)], "moat.yaml:12")));
        Assert.Contains("moat.yaml:12", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65536)]
    public void A_port_that_is_none_is_refused(int port) =>
        Assert.Throws<MoatException>(() => Policies.Compile(NetworkMode.Strict, new HostRuleSpec("a.example", port, [], "moat.yaml:12")));

    [Fact]
    public void A_resolved_name_that_is_none_is_refused() => Assert.Throws<MoatException>(() => NetworkPolicy.Compile(new NetworkSpec
    {
        Mode = NetworkMode.Strict,
        Resolve = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("a b", "10.0.0.1"),
    }));

    [Fact]
    public void A_rule_in_another_spelling_is_the_same_rule()
    {
        Assert.True(Policies.Compile(NetworkMode.Strict, new HostRuleSpec("API.Example.", null, [], "t")).Allows("api.example"));
        Assert.True(Policies.Compile(NetworkMode.Strict, new HostRuleSpec("*.Example.ORG.", null, [], "t")).Allows("a.example.org"));
        Assert.True(Policies.Compile(NetworkMode.Strict, new HostRuleSpec("0x0a000005", null, [], "t")).Allows("10.0.0.5"));
        Assert.True(Policies.Compile(NetworkMode.Strict, new HostRuleSpec("[fd00::5]", null, [], "t")).Allows("fd00:0:0::5"));
    }
}
