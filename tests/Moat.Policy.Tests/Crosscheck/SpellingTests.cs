using System.Collections.Immutable;
using CsCheck;
using Moat.Spec;

namespace Moat.Policy.Tests.Crosscheck;

/// <summary>Whatever a client calls a host, the answer is the one for the host.</summary>
public class SpellingTests
{
    private static readonly string[][] Same =
    [
        ["api.example", "API.example", "api.EXAMPLE.", "Api.Example"],
        ["a.b.wild.example", "A.b.WILD.example."],
        ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "0x7f000001", "127.0.0.1."],
        ["169.254.169.254", "0xa9fea9fe", "2852039166", "169.254.43518", "0251.0376.0251.0376"],
        ["10.0.0.5", "10.5", "0xa.5", "167772165", "012.0.0.05"],
        ["2001:db8::5", "[2001:DB8:0:0:0:0:0:5]", "[2001:db8::0.0.0.5]"],
        ["moat-host", "MOAT-HOST", "Moat-Host."],
        ["metadata.google.internal", "METADATA.Google.Internal."],
    ];

    [Fact]
    public void T_07_T_12_equal_hosts_have_equal_answers()
    {
        var rules = ImmutableArray.Create(
            new HostRuleSpec("api.example", null, [new RequestRuleSpec(false, "*", "/admin/**"), new RequestRuleSpec(true, "GET", "/**")], "a:1"),
            new HostRuleSpec("*.*.example", 8443, [], "a:2"), new HostRuleSpec("*.wild.example", null, [], "a:3"),
            new HostRuleSpec("10.0.0.5", null, [], "a:4"), new HostRuleSpec("169.254.169.254", null, [], "a:5"), new HostRuleSpec("2001:db8::5", null, [], "a:6"));
        Gen.Select(Gen.Int[0, Same.Length - 1], Gen.Int[0, 9], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Bool).Sample((group, spelling, port, path, strict) =>
        {
            var policy = NetworkPolicy.Compile(new NetworkSpec { Mode = strict ? NetworkMode.Strict : NetworkMode.Permissive, Rules = rules, HostPorts = [8443] });
            var plain = Parse(Same[group][0]);
            var other = Parse(Same[group][spelling % Same[group].Length]);
            Assert.Equal(plain, other);
            var p = (int[])[443, 80, 8443, 22];
            var t = (string[])["/", "/admin/x", "/a%2e", "/x?y"];
            Assert.Equal(policy.DecideHost(plain, p[port]), policy.DecideHost(other, p[port]));
            Assert.Equal(policy.DecideRequest(plain, p[port], "GET", t[path]), policy.DecideRequest(other, p[port], "GET", t[path]));
            Assert.Equal(policy.MayResolve(plain), policy.MayResolve(other));
            Assert.Equal(policy.WildcardFor(plain), policy.WildcardFor(other));
            Assert.Equal(policy.AllowsPrivateAddress(plain, p[port]), policy.AllowsPrivateAddress(other, p[port]));
        }, iter: 10_000);
    }

    [Theory]
    [InlineData("bücher.example", "BÜCHER.example")]
    [InlineData("bücher.example", "bu\u0308cher.example")]
    [InlineData("example.com", "exa\u00ADmple.com")]
    [InlineData("example.com", "ｅｘａｍｐｌｅ.com")]
    [InlineData("example.com", "example\u3002com")]
    [InlineData("faß.example", "FAß.example")]
    [InlineData("127.0.0.1", "１２７.0.0.1")]
    public void T_07_two_spellings_of_an_international_name_are_one_host_or_refused(string one, string two)
    {
        if (CanonicalHost.TryParse(one, out var first, out _) && CanonicalHost.TryParse(two, out var second, out _)) Assert.Equal(first, second);
    }

    [Theory]
    [InlineData("deny * /admin/**", "/%61dmin/x")]
    [InlineData("deny * /%61dmin/**", "/admin/x")]
    [InlineData("deny * /caf%C3%A9", "/caf%c3%a9")]
    [InlineData("deny * /admin", "/admin/")]
    [InlineData("deny * /admin", "/ADMIN?x")]
    public void T_55_a_denied_path_is_denied_in_every_spelling_of_rule_and_request(string rule, string target)
    {
        var parts = rule.Split(' ');
        var policy = NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Permissive, Rules = [new HostRuleSpec("a.example", null, [new RequestRuleSpec(false, parts[1], parts[2])], "a:1")] });
        Assert.False(policy.DecideRequest(Parse("a.example"), 443, "GET", target).Allowed);
    }

    [Theory]
    [InlineData("[::ffff:192.0.2.1]")]
    [InlineData("[64:ff9b::192.0.2.1]")]
    [InlineData("[64:ff9b::8.8.8.8]")]
    [InlineData("[::ffff:8.8.8.8]")]
    public void T_12_a_denying_rule_for_an_IPv4_address_is_not_passed_by_embedding_it(string text)
    {
        RequestRuleSpec no = new(false, "*", "/**");
        var policy = NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Permissive, Rules = [new HostRuleSpec("8.8.8.8", null, [no], "a:1"), new HostRuleSpec("192.0.2.1", null, [no], "a:2")] });
        Assert.False(policy.DecideHost(Parse(text), 443).Allowed);
        Assert.False(policy.DecideRequest(Parse(text), 443, "GET", "/").Allowed);
    }

    [Fact]
    public void T_16_a_name_with_only_denied_default_ports_still_resolves_for_its_open_port()
    {
        var policy = NetworkPolicy.Compile(new NetworkSpec
        {
            Mode = NetworkMode.Strict,
            Rules = [new HostRuleSpec("a.example", null, [new RequestRuleSpec(false, "*", "/**")], "a:1"), new HostRuleSpec("a.example", 8443, [], "a:2")],
        });
        Assert.True(policy.DecideHost(Parse("a.example"), 8443).Allowed);
        Assert.True(policy.MayResolve(Parse("a.example")));
    }

    private static CanonicalHost Parse(string text)
    {
        Assert.True(CanonicalHost.TryParse(text, out var host, out var error), text + ": " + error);
        return host;
    }
}
