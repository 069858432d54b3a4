using CsCheck;
using Moat.Spec;

namespace Moat.Policy.Tests;

public class RequestPolicyTests
{
    private const string Text = """
        permit (principal, action == Action::"NetworkConnect", resource in DnsZone::"example.org");
        permit (principal, action == Action::"HttpRequest", resource in DnsZone::"example.org")
        when { context.method == "GET" };
        forbid (principal, action == Action::"HttpRequest", resource)
        when { context.path like "/admin*" };
        permit (principal, action == Action::"CredentialUse", resource == Credential::"github")
        when { context.path like "/repos/*" };
        """;

    [Theory]
    [InlineData("example.org", "GET", "/", true, "policy1 (p.cedar:2)")]
    [InlineData("a.b.example.org", "GET", "/x?y=1", true, "policy1 (p.cedar:2)")]
    [InlineData("example.org", "POST", "/", false, "policy")]
    [InlineData("other.test", "GET", "/", false, "policy")]
    [InlineData("example.org", "GET", "/admin", false, "policy2 (p.cedar:4)")]
    [InlineData("example.org", "GET", "/%61dmin/x", false, "policy2 (p.cedar:4)")]
    [InlineData("example.org", "GET", "/x/../admin", false, "policy")]
    public void A_request_is_decided_by_host_method_and_path(string host, string method, string path, bool allowed, string rule)
    {
        var decision = Compile(Text).DecideRequest(Host(host), 443, method, path);

        Assert.Equal((allowed, rule), (decision.Allowed, decision.Rule));
        if (!allowed) Assert.NotEmpty(decision.Reason);
    }

    [Fact]
    public void A_credential_is_decided_by_grant_host_and_path()
    {
        var policy = Compile(Text);

        Assert.True(policy.DecideCredential("github", Host("example.org"), 443, "GET", "/repos/a").Allowed);
        Assert.False(policy.DecideCredential("github", Host("example.org"), 443, "GET", "/user").Allowed);
        Assert.False(policy.DecideCredential("openai", Host("example.org"), 443, "GET", "/repos/a").Allowed);
    }

    [Fact]
    public void What_no_statement_speaks_of_is_left_to_the_network_rules()
    {
        var policy = Compile("forbid (principal, action == Action::\"NetworkConnect\", resource == Host::\"a.test\"); permit (principal, action == Action::\"NetworkConnect\", resource);");

        Assert.Equal((true, false, false), (policy.GovernsConnect, policy.GovernsRequests, policy.GovernsCredentials));
        Assert.True(policy.DecideRequest(Host("a.test"), 443, "GET", "/").Allowed);
        Assert.True(policy.DecideCredential("g", Host("a.test"), 443, "GET", "/").Allowed);
        Assert.False(policy.DecideConnect(Host("a.test"), 443).Allowed);
    }

    [Fact]
    public void The_run_and_its_agent_are_the_principal()
    {
        var file = PolicyFile.Read("permit (principal in Agent::\"claude\", action == Action::\"NetworkConnect\", resource); forbid (principal == Run::\"night\", action == Action::\"NetworkConnect\", resource);", "p.cedar");

        Assert.True(RequestPolicy.Compile(file, "day", "claude").DecideConnect(Host("a.test"), 443).Allowed);
        Assert.False(RequestPolicy.Compile(file, "day", "codex").DecideConnect(Host("a.test"), 443).Allowed);
        Assert.False(RequestPolicy.Compile(file, "night", "claude").DecideConnect(Host("a.test"), 443).Allowed);
    }

    [Fact]
    public void A_file_that_is_not_in_order_decides_nothing()
    {
        var e = Assert.Throws<MoatException>(() => RequestPolicy.Compile(PolicyFile.Read("permit (principal, action, resource);\nforbid (", "p.cedar"), "run", ""));

        Assert.StartsWith("p.cedar:2:", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_hosts_than_are_remembered_are_decided_all_the_same()
    {
        var policy = Compile(Text);
        for (var i = 0; i < 5000; i++) Assert.True(policy.DecideConnect(Host($"h{i}.example.org"), 443).Allowed);
        Assert.False(policy.DecideConnect(Host("h1.example.net"), 443).Allowed);
    }

    // The oracle reads the pattern as text, with no entities at all.
    [Fact]
    public void Hosts_are_matched_as_a_naive_reading_of_the_patterns_does()
    {
        var label = Gen.OneOf("a", "b", "ab", "org");
        var name = label.Array[1, 4].Select(l => string.Join('.', l));
        var port = Gen.OneOf(80, 443, 8443);
        var pattern = Gen.Select(Gen.Int[0, 5], name, port, (kind, n, p) => kind switch
        {
            0 => $"Host::\"{n}\"",
            1 => $"Host::\"*.{n}\"",
            2 => $"Host::\"{n}:{p}\"",
            3 => $"Host::\"*.{n}:{p}\"",
            4 => $"DnsZone::\"{n}\"",
            _ => $"Net::DnsZone::\"{n}\"",
        });
        Gen.Select(pattern.Array[1, 4], name, port).Sample((patterns, host, p) =>
        {
            var list = string.Join(", ", patterns);
            var policy = Compile($"permit (principal, action == Action::\"NetworkConnect\", resource) when {{ resource in [{list}] }};");
            return policy.DecideConnect(Host(host), p).Allowed == patterns.Any(one => Naive(one, host, p));
        }, iter: 2000);
    }

    private static bool Naive(string pattern, string host, int port)
    {
        var type = pattern[..pattern.IndexOf("::\"", StringComparison.Ordinal)];
        var text = pattern[(type.Length + 3)..^1];
        if (text.Split(':') is [var before, var number])
        {
            if (number != port.ToString(System.Globalization.CultureInfo.InvariantCulture)) return false;
            text = before;
        }

        return type switch
        {
            "DnsZone" => host == text || host.EndsWith("." + text, StringComparison.Ordinal),
            "Net::DnsZone" => host.EndsWith("." + text, StringComparison.Ordinal),
            _ when text.StartsWith("*.", StringComparison.Ordinal) => host.EndsWith(text[1..], StringComparison.Ordinal),
            _ => host == text,
        };
    }

    private static RequestPolicy Compile(string text) => RequestPolicy.Compile(PolicyFile.Read(text, "p.cedar"), "run", "");

    private static CanonicalHost Host(string text) => CanonicalHost.TryParse(text, out var host, out var error) ? host : throw new ArgumentException(error);
}
