namespace Moat.Policy.Tests;

public class LeashReadingTests
{
    [Theory]
    [InlineData("permit (principal, action == Action::\"FileOpen\", resource) unless { resource in [Dir::\"/secrets/\"] };", "inverted")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource) unless { resource in [Host::\"good.test\"] };", "inverted")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource) when { resource == Host::\"a.test\" };", "ignored")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource) when { resource in [Host::\"a.test\"] || context.port == 1 };", "ignored")]
    [InlineData("forbid (principal, action == Action::\"NetworkConnect\", resource);", "ignored")]
    [InlineData("forbid (principal, action, resource == Host::\"a.test\");", "ignored")]
    [InlineData("permit (principal == User::\"u\", action == Action::\"NetworkConnect\", resource == Host::\"a.test\");", "ignored")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { context.hostname like \"api-*.example.org\" };", "widened")]
    [InlineData("forbid (principal, action == Action::\"McpCall\", resource == MCP::Tool::\"t\") when { resource in [MCP::Server::\"h\"] };", "widened")]
    [InlineData("permit (principal, action == Action::\"McpCall\", resource == MCP::Tool::\"t\");", "ignored")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"db.test:99999\");", "widened")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"10.0.0.0/8\");", "ignored")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"2001:db8::1\");", "ignored")]
    [InlineData("permit (principal, action == Action::\"HttpRequest\", resource == Host::\"a.test\");", "ignored")]
    public void What_Leash_made_of_a_statement_is_told(string text, string code)
    {
        var note = Assert.Single(LeashReading.Compare("// one line\n" + text, "p.cedar"));

        Assert.Equal((code, "policy0", 2), (note.Code, note.PolicyId, note.Line));
    }

    [Theory]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"*.a.test:443\");")]
    [InlineData("forbid (principal, action == Action::\"fileopen\", resource) when { resource in [Dir::\"/etc/\", File::\"/x\"] };")]
    [InlineData("permit (principal, action == Action::\"NetworkConnect\", resource) when { context.hostname like \"*.example.org\" };")]
    public void A_statement_that_Leash_read_as_it_stands_is_not_told(string text) => Assert.Empty(LeashReading.Compare(text, "p.cedar"));
}
