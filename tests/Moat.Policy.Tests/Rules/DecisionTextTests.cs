using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>What person and agent read about a decision (rows T-93, T-95, T-96): the rule, the reason, and a mend that opens no more than was asked.</summary>
public class DecisionTextTests
{
    [Fact]
    public void A_decision_names_its_rule_and_where_it_stands()
    {
        var policy = Policies.Compile(NetworkMode.Strict, Policies.Rule("a.example:8443"), Policies.Rule("b.example", "allow GET /x/**"));
        Assert.Equal("a.example:8443 (moat.yaml:7)", policy.DecideHost(Policies.Host("a.example"), 8443).Rule);
        Assert.Equal("allow GET /x/** in b.example (moat.yaml:7)", policy.DecideRequest(Policies.Host("b.example"), 443, "GET", "/x/y").Rule);
        Assert.Equal("default", policy.DecideHost(Policies.Host("c.example"), 443).Rule);
        Assert.Equal("default (permissive)", Policies.Permissive().DecideHost(Policies.Host("c.example"), 443).Rule);
    }

    [Theory]
    [InlineData("a.example", 443, "--allow-host a.example,", "- \"a.example\"")]
    [InlineData("a.example", 8080, "--allow-host a.example:8080,", "- \"a.example:8080\"")]
    [InlineData("10.0.0.5", 443, "--allow-host 10.0.0.5,", "- \"10.0.0.5\"")]
    [InlineData("fd00::5", 443, "--allow-host fd00::5,", "- \"fd00::5\"")]
    [InlineData("fd00::5", 8080, "--allow-host '[fd00::5]:8080',", "- \"[fd00::5]:8080\"")]
    public void A_denied_host_comes_with_the_flag_and_the_line_that_allow_it(string host, int port, string flag, string line)
    {
        var mend = Policies.Strict().DecideHost(Policies.Host(host), port).HowToAllow;
        Assert.Contains(flag, mend, StringComparison.Ordinal);
        Assert.Contains(line, mend, StringComparison.Ordinal);
    }

    [Fact]
    public void A_denied_request_comes_with_the_line_that_allows_it_alone()
    {
        var policy = Policies.Scoped(NetworkMode.Strict, "a.example", "deny DELETE /**", "allow GET /**");
        Assert.Equal("Add - \"allow POST /x/y\" to the rule a.example (moat.yaml:7).", policy.DecideRequest(Policies.Host("a.example"), 443, "POST", "/x/y/?q").HowToAllow);
        Assert.Equal("Add - \"allow DELETE /x\" before the line that denies it in the rule a.example (moat.yaml:7).", policy.DecideRequest(Policies.Host("a.example"), 443, "DELETE", "/x").HowToAllow);
    }

    [Theory]
    [InlineData("POST", "/**")]
    [InlineData("POST", "/*")]
    [InlineData("POST", "/a%2a")]
    [InlineData("POST", "/a\"b")]
    [InlineData("POST", "/a%22b")]
    [InlineData("POST", "/a%20b")]
    [InlineData("POST", "/a%E2%80%AEb")]
    [InlineData("*", "/a")]
    [InlineData("PO ST", "/a")]
    [InlineData("P\u001b[2J", "/a")]
    public void T_96_a_mend_repeats_nothing_that_would_open_more_or_that_markup_reads(string method, string path)
    {
        var decision = Policies.Scoped(NetworkMode.Strict, "a.example", "allow GET /only").DecideRequest(Policies.Host("a.example"), 443, method, path);
        Assert.False(decision.Allowed);
        Assert.Equal("Add a line that allows this request to the rule a.example (moat.yaml:7).", decision.HowToAllow);
    }

    [Fact]
    public void T_93_control_and_bidirectional_characters_of_a_rule_s_origin_are_escaped()
    {
        var policy = Policies.Compile(NetworkMode.Strict, new HostRuleSpec("a.example", null, [], "x\u001b[31m\u202e\r\n\u2028é"));
        Assert.Equal(@"a.example (x\u001b[31m\u202e\u000d\u000a\u2028é)", policy.DecideHost(Policies.Host("a.example"), 443).Rule);
    }

    [Fact]
    public void What_nothing_allows_says_so()
    {
        Assert.StartsWith("Nothing allows it", Policies.Permissive().DecideHost(Policies.Host("169.254.169.254"), 80).HowToAllow, StringComparison.Ordinal);
        Assert.StartsWith("Nothing allows it", Policies.Strict("224.0.0.1").DecideHost(Policies.Host("224.0.0.1"), 80).HowToAllow, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.example", "/")]
    [InlineData("deep.b.c.wild.example", "/")]
    [InlineData("scoped.example", "/repos/mine/issues?q=1")]
    [InlineData("scoped.example", "/repos/mine/%C3%A9t%C3%A9")]
    public void An_allowed_request_costs_no_allocation(string name, string path)
    {
        var policy = Policies.Compile(NetworkMode.Strict, Policies.Rule("a.example"), Policies.Rule("*.wild.example"), Policies.Rule("scoped.example", "deny * /admin/**", "allow GET /repos/*/**"));
        var host = Policies.Host(name);
        Assert.True(policy.DecideRequest(host, 443, "GET", path).Allowed);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            policy.DecideHost(host, 443);
            policy.DecideRequest(host, 443, "GET", path);
            policy.MayResolve(host);
            policy.WildcardFor(host);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
