namespace Moat.Policy.Tests;

public class PolicyFileTests
{
    [Fact]
    public void The_vocabulary_holds_every_action_and_resource()
    {
        var schema = PolicyVocabulary.Schema;

        Assert.Equal(
            ["CredentialUse", "FileCreate", "FileDelete", "FileOpen", "FileOpenReadOnly", "FileOpenReadWrite", "FileRename", "HttpRequest", "HttpRewrite", "McpCall", "NetworkConnect", "ProcessExec"],
            schema.Actions.Select(a => a.Id).Order(StringComparer.Ordinal));
        Assert.Superset(
            new HashSet<string> { "Run", "Agent", "Process", "File", "Dir", "Host", "DnsZone", "Cidr", "MCP::Server", "MCP::Tool", "Credential" },
            schema.EntityTypes.Select(t => t.Name).ToHashSet());
    }

    [Fact]
    public void All_syntax_errors_are_told_with_line_and_column()
    {
        var file = PolicyFile.Read("permit (principal, action, resource)\nforbid (principal, action, resource);\npermit (principal action, resource);\n", "p.cedar");

        Assert.False(file.IsValid);
        Assert.All(file.Notes, n => Assert.Equal("syntax", n.Code));
        Assert.Contains(file.Notes, n => n is { Line: 2, Column: 1 });
        Assert.Contains(file.Notes, n => n.Line == 3);
    }

    [Theory]
    [InlineData("permit (principal, action == Action::\"HttpRequest\", resource) when { context.verb == \"GET\" };", "verb")]
    [InlineData("permit (principal, action == Action::\"HttpRequest\", resource) when { context.ip.isLoopback() };", "ip")]
    [InlineData("permit (principal == User::\"a\", action, resource);", "User")]
    [InlineData("permit (principal, action == Action::\"HttpGet\", resource);", "HttpGet")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == ?resource);", "template")]
    public void What_does_not_fit_the_vocabulary_is_an_error(string text, string named)
    {
        var file = PolicyFile.Read(text, "p.cedar");

        Assert.False(file.IsValid);
        Assert.Contains(file.Notes, n => n.Level == PolicyNoteLevel.Error && n.Message.Contains(named, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("forbid (principal == Process::\"/usr/bin/git\", action == Action::\"FileOpen\", resource in Dir::\"/etc\");", "policy-files")]
    [InlineData("permit (principal, action == Action::\"FileDelete\", resource) when { principal is Process };", "policy-files")]
    [InlineData("forbid (principal, action == Action::\"ProcessExec\", resource) when { context.arguments.contains(\"push\") };", "policy-exec")]
    [InlineData("forbid (principal, action == Action::\"ProcessExec\", resource) when { context.cwd == \"/tmp\" };", "policy-exec")]
    [InlineData("forbid (principal, action == Action::\"McpCall\", resource == MCP::Tool::\"t\");", "policy-mcp")]
    [InlineData("permit (principal, action == Action::\"HttpRewrite\", resource == Host::\"a.test\");", "policy-rewrite")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource in Cidr::\"10.0.0.0/8\");", "policy-addresses")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource == Host::\"192.0.2.1\");", "policy-addresses")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource == Host::\"192.0.2.1:25\");", "policy-addresses")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { resource != Host::\"192.0.2.1\" };", "policy-addresses")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { (resource in Cidr::\"10.0.0.0/8\") == false };", "policy-addresses")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource) when { (resource in Cidr::\"10.0.0.0/8\") != false };", "policy-addresses")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { (if context has ip then context.ip else ip(\"1.1.1.1\")).isInRange(ip(\"1.0.0.0/8\")) };", "policy-addresses")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) unless { context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\")) };", "policy-addresses")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource) when { resource in Cidr::\"10.0.0.0/8\" };", "policy-addresses")]
    public void A_statement_that_nothing_here_can_hold_is_named(string text, string downgrade)
    {
        var file = PolicyFile.Read("// one line\n" + text, "p.cedar");

        var note = Assert.Single(file.Notes, n => n.Code == "unenforceable");
        Assert.Equal((PolicyNoteLevel.Error, "policy0", 2, downgrade), (note.Level, note.PolicyId, note.Line, note.Downgrade));
        Assert.Contains("policy0", note.Message, StringComparison.Ordinal);
        Assert.Contains("--downgrade " + downgrade, note.Help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("permit (principal, action, resource);")]
    [InlineData("forbid (principal, action, resource == Host::\"a.test\"); permit (principal, action, resource);")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource == Host::\"169.254.169.254\"); permit (principal, action, resource);")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"192.0.2.1\");")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource in Cidr::\"10.0.0.0/8\");")]
    [InlineData("permit (principal, action, resource); forbid (principal, action == Action::\"NetworkConnect\", resource) unless { resource in Cidr::\"10.0.0.0/8\" };")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\")) };")]
    public void A_statement_that_the_gateway_holds_is_not(string text) =>
        Assert.DoesNotContain(PolicyFile.Read(text, "p.cedar").Notes, n => n.Level == PolicyNoteLevel.Error);

    [Theory]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource);\npermit (principal, action == Action::\"NetworkConnect\", resource == Host::\"a.test\");", "shadowed", "policy1")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource in DnsZone::\"a.test\");\nforbid (principal, action == Action::\"NetworkConnect\", resource in DnsZone::\"test\");", "unreachable", "policy0")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource);\npermit (principal, action == Action::\"NetworkConnect\", resource);", "shadowed", "policy1")]
    [InlineData("forbid (principal, action == Action::\"HttpRequest\", resource == Host::\"a.test\");", "always-denied", "policy0")]
    public void A_statement_without_effect_is_told(string text, string code, string policy)
    {
        var note = Assert.Single(PolicyFile.Read(text, "p.cedar").Notes);

        Assert.Equal((PolicyNoteLevel.Warning, code, policy), (note.Level, note.Code, note.PolicyId));
    }

    [Theory]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"a.test\") when { context.port == 1 };\npermit (principal, action == Action::\"NetworkConnect\", resource == Host::\"a.test\");", "policy0")]
    public void Of_two_statements_the_narrower_one_is_shadowed(string text, string policy) =>
        Assert.Equal(policy, Assert.Single(PolicyFile.Read(text, "p.cedar").Notes).PolicyId);

    [Theory]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource in DnsZone::\"*.a.test\");\nforbid (principal, action == Action::\"NetworkConnect\", resource in DnsZone::\"b.a.test\");")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource in DnsZone::\"a.test\");\nforbid (principal, action == Action::\"NetworkConnect\", resource in DnsZone::\"*.a.test\");")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource);\nforbid (principal, action == Action::\"NetworkConnect\", resource) when { context.port == 25 };")]
    public void Statements_that_each_have_an_effect_are_not(string text) => Assert.Empty(PolicyFile.Read(text, "p.cedar").Notes);
}
