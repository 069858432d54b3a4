namespace Moat.Policy.Tests;

public class LeashSpellingTests
{
    [Theory]
    [InlineData("== Host::\"API.Example.Org.\"", "api.example.org", 443, true)]
    [InlineData("== Host::\"*.example.org\"", "api.example.org", 443, true)]
    [InlineData("== Host::\"*.example.org\"", "example.org", 443, false)]
    [InlineData("== Host::\"*.example.org\"", "badexample.org", 443, false)]
    [InlineData("== Host::\"*\"", "anything.test", 1, true)]
    [InlineData("== Host::\"*\"", "192.0.2.7", 1, true)]
    [InlineData("== Host::\"a.test:8443\"", "a.test", 8443, true)]
    [InlineData("== Host::\"a.test:8443\"", "a.test", 443, false)]
    [InlineData("== Host::\"*.a.test:8443\"", "b.a.test", 8443, true)]
    [InlineData("== Host::\"*.a.test:8443\"", "b.a.test", 443, false)]
    [InlineData("== Host::\"10.0.0.0/8\"", "10.1.2.3", 443, true)]
    [InlineData("== Host::\"10.0.0.0/8\"", "::ffff:10.1.2.3", 443, true)]
    [InlineData("== Host::\"10.0.0.0/8\"", "11.1.2.3", 443, false)]
    [InlineData("== Host::\"2001:DB8::1\"", "2001:db8::1", 443, true)]
    [InlineData("== Host::\"[2001:db8::1]:8443\"", "2001:db8::1", 8443, true)]
    [InlineData("== Host::\"10.1.2.3\"", "::ffff:10.1.2.3", 443, true)]
    [InlineData("== Net::Hostname::\"a.test\"", "a.test", 443, true)]
    [InlineData("in Net::DnsZone::\"a.test\"", "b.a.test", 443, true)]
    [InlineData("in Net::DnsZone::\"a.test\"", "a.test", 443, false)]
    [InlineData("in DnsZone::\"a.test\"", "a.test", 443, true)]
    [InlineData("== Net::Endpoint::\"a.test:25\"", "a.test", 25, true)]
    public void A_resource_means_what_it_says(string resource, string host, int port, bool allowed) =>
        Assert.Equal(allowed, Decide($"permit (principal, action == Action::\"NetworkConnect\", resource {resource});", host, port));

    [Theory]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { resource in [Host::\"a.test\", Host::\"*.b.test\", Host::\"c.test:25\"] };", "a.test,x.b.test,c.test:25", "b.test,c.test,d.test")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"NetworkConnect\", resource) unless { resource in [Host::\"good.test\"] };", "good.test", "a.test,bad.good.test")]
    [InlineData("permit (principal, action == Action::\"NETWORKCONNECT\", resource) when { resource != Host::\"*.b.test\" };", "b.test,a.test", "x.b.test")]
    [InlineData("permit (principal, action == Action::\"networkconnect\", resource) when { context.hostname like \"api-*.example.org\" };", "api-1.example.org", "web.example.org,api.example.org")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { Host::\"*.b.test\" == resource || context.hostname == \"c.test\" };", "x.b.test,c.test", "b.test")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource is Net::Hostname in Host::\"*.b.test\");", "x.b.test", "b.test")]
    public void Whole_statements_mean_what_they_say(string text, string allowed, string denied)
    {
        foreach (var host in allowed.Split(',')) Assert.True(Decide(text, host), host);
        foreach (var host in denied.Split(',')) Assert.False(Decide(text, host), host);
    }

    [Fact]
    public void Every_change_of_spelling_is_noted_where_it_stands()
    {
        var file = PolicyFile.Read("permit (\n  principal,\n  action == Action::\"networkconnect\",\n  resource == Net::Hostname::\"*.A.test\"\n);", "p.cedar");

        Assert.True(file.IsValid);
        Assert.All(file.Notes, n => Assert.Equal(("spelling", PolicyNoteLevel.Note), (n.Code, n.Level)));
        Assert.Contains(file.Notes, n => n.Line == 3 && n.Message.Contains("Action::\"NetworkConnect\"", StringComparison.Ordinal));
        Assert.Contains(file.Notes, n => n.Line == 4 && n.Message.Contains("DnsZone::\"*.a.test\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Host::\"db.test:99999\"", "port")]
    [InlineData("Host::\"api-*.test\"", "like")]
    [InlineData("Host::\"10.0.0.0/99\"", "prefix")]
    [InlineData("Host::\"*.10.0.0.1\"", "address")]
    [InlineData("Host::\"a b\"", "space")]
    public void What_names_no_host_is_an_error_and_not_left_out(string resource, string named)
    {
        var file = PolicyFile.Read($"permit (principal, action == Action::\"NetworkConnect\", resource == {resource});", "p.cedar");

        Assert.False(file.IsValid);
        Assert.Contains(file.Notes, n => n.Level == PolicyNoteLevel.Error && n.PolicyId == "policy0" && n.Message.Contains(named, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("[Host::\"*.a.test\"].contains(resource)")]
    [InlineData("resource == (if context.port == 1 then Host::\"*.a.test\" else Host::\"b.test\")")]
    public void A_wildcard_that_is_compared_as_a_single_host_is_an_error(string condition)
    {
        var file = PolicyFile.Read($"permit (principal, action == Action::\"NetworkConnect\", resource) when {{ {condition} }};", "p.cedar");

        Assert.Contains(file.Notes, n => n.Level == PolicyNoteLevel.Error && n.Message.Contains("many hosts", StringComparison.Ordinal));
    }

    private static bool Decide(string text, string host, int port = 443)
    {
        var colon = host.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && host.LastIndexOf(':') == colon) (host, port) = (host[..colon], int.Parse(host[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture));
        var file = PolicyFile.Read(text, "p.cedar");
        Assert.DoesNotContain(file.Notes, n => n.Level == PolicyNoteLevel.Error);
        Assert.True(CanonicalHost.TryParse(host, out var canonical, out _));
        return RequestPolicy.Compile(file, "run", "").DecideConnect(canonical, port).Allowed;
    }
}
