using System.Text.Json;

namespace Moat.Policy.Tests.Mcp;

public sealed class McpPolicyTests
{
    private const string Head = "principal, action == Action::\"McpCall\", resource";

    [Theory]
    [InlineData("permit (" + Head + ");", true)]
    [InlineData("permit (" + Head + " == MCP::Tool::\"t\");", true)]
    [InlineData("permit (" + Head + " in MCP::Server::\"mcp.example.org\");", true)]
    [InlineData("permit (" + Head + " == MCP::Server::\"mcp.example.org:8443\");", true)]
    [InlineData("forbid (" + Head + " in MCP::Server::\"mcp.example.org\");", true)]
    [InlineData("forbid (" + Head + " is MCP::Tool in MCP::Server::\"mcp.example.org\");", true)]
    [InlineData("forbid (" + Head + " == MCP::Tool::\"t\") when { resource in [MCP::Server::\"a.example\", MCP::Server::\"b.example\"] };", true)]
    [InlineData("forbid (" + Head + " == MCP::Tool::\"t\") when { context.tool == \"t\" && resource in MCP::Server::\"a.example\" };", true)]
    // Others than the named ones are meant, and the gateway does not know them all.
    [InlineData("forbid (" + Head + " == MCP::Tool::\"t\");", false)]
    [InlineData("forbid (" + Head + ") unless { resource in MCP::Server::\"a.example\" };", false)]
    [InlineData("forbid (" + Head + ") when { !(resource in MCP::Server::\"a.example\") };", false)]
    [InlineData("forbid (" + Head + ") when { resource in MCP::Server::\"a.example\" || context.tool == \"t\" };", false)]
    // No hosts: programs in the sandbox.
    [InlineData("forbid (" + Head + " in MCP::Server::\"filesystem\");", false)]
    [InlineData("permit (" + Head + " in MCP::Server::\"filesystem\");", false)]
    public void A_statement_that_the_gateway_cannot_hold_needs_a_downgrade(string text, bool holds)
    {
        var file = PolicyFile.Read(text, "p.cedar");
        Assert.True(file.IsValid, string.Join('\n', file.Notes));
        Assert.Equal(holds ? [] : ["policy-mcp"], file.Notes.Where(static n => n.Code == "unenforceable").Select(static n => n.Downgrade));
    }

    [Theory]
    [InlineData("context.arguments.path == \"/x\"")]
    [InlineData("context.arguments.getTag(\"path\") == \"/x\"")]
    [InlineData("context.arguments.hasTag(\"n\") && context.arguments.getTag(\"n\") > 5")]
    [InlineData("context.arguments_json like \"*\"")]
    public void What_has_no_type_is_refused(string condition) =>
        Assert.False(PolicyFile.Read($"permit ({Head}) when {{ {condition} }};", "p.cedar").IsValid);

    [Fact]
    public void An_address_is_no_name_of_a_server() =>
        Assert.False(PolicyFile.Read($"permit ({Head} in MCP::Server::\"https://mcp.example.org/mcp\");", "p.cedar").IsValid);

    [Theory]
    [InlineData("context.arguments.hasTag(\"q\") && context.arguments.getTag(\"q\") == \"x\"", """{"q":"x"}""", true)]
    [InlineData("context.arguments.hasTag(\"q\") && context.arguments.getTag(\"q\") == \"6\"", """{"q":6.0}""", true)]
    [InlineData("context.arguments.hasTag(\"q\") && context.arguments.getTag(\"q\") == \"true\"", """{"q":true}""", true)]
    [InlineData("context.arguments.hasTag(\"q\") && context.arguments.getTag(\"q\") == \"x\"", """{"q":{"q":"x"}}""", false)]
    [InlineData("context.arguments.hasTag(\"o/q\") && context.arguments.getTag(\"o/q\") == \"x\"", """{"o":{"q":"x"}}""", true)]
    [InlineData("context.arguments.hasTag(\"o/q\") && context.arguments.getTag(\"o/q\") == \"x\"", """{"o/q":"x"}""", false)]
    [InlineData("context.arguments.hasTag(\"o~1q\") && context.arguments.getTag(\"o~1q\") == \"x\"", """{"o/q":"x"}""", true)]
    [InlineData("context.arguments.hasTag(\"l/1\") && context.arguments.getTag(\"l/1\") == \"x\"", """{"l":["a","x"]}""", true)]
    [InlineData("context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") > 5", """{"n":6}""", true)]
    [InlineData("context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") > 5", """{"n":6e0}""", true)]
    [InlineData("context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") > 5", """{"n":"6"}""", false)]
    [InlineData("context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") > 5", """{"n":5.5}""", false)]
    [InlineData("context.flags.hasTag(\"f\") && context.flags.getTag(\"f\")", """{"f":true}""", true)]
    [InlineData("context.flags.hasTag(\"f\") && context.flags.getTag(\"f\")", """{"f":"true"}""", false)]
    [InlineData("context.lists.hasTag(\"l\") && context.lists.getTag(\"l\").contains(\"x\")", """{"l":["a","x"]}""", true)]
    [InlineData("context.lists.hasTag(\"l\")", """{"l":["a",{}]}""", false)]
    [InlineData("[\"a\",\"b\"].containsAll(context.names)", """{"a":1,"b":{"c":2}}""", true)]
    [InlineData("[\"a\",\"b\"].containsAll(context.names)", """{"a":1,"c":2}""", false)]
    [InlineData("context.names.isEmpty()", "{}", true)]
    [InlineData("context.server == \"mcp.example.org:8443\" && context.tool == \"t\"", "{}", true)]
    public void Arguments_are_tags_by_their_path(string condition, string arguments, bool allowed)
    {
        var file = PolicyFile.Read($"permit ({Head} in MCP::Server::\"mcp.example.org\") when {{ {condition} }};", "p.cedar");
        Assert.True(file.IsValid, string.Join('\n', file.Notes));
        var policy = RequestPolicy.Compile(file, "run", agent: "");
        Assert.True(CanonicalHost.TryParse("mcp.example.org", out var host, out _));
        using var document = JsonDocument.Parse(arguments);
        Assert.True(McpArguments.TryRead(document.RootElement, out var read, out _));
        Assert.Equal(allowed, policy.DecideMcp(host, 8443, new McpCall("t", read)).Allowed);
    }

    [Fact]
    public void A_server_with_a_port_is_that_port_alone()
    {
        var policy = RequestPolicy.Compile(PolicyFile.Read($"permit ({Head} in MCP::Server::\"mcp.example.org:8443\");", "p.cedar"), "run", agent: "");
        Assert.True(CanonicalHost.TryParse("MCP.example.org", out var host, out _));
        var call = new McpCall("t", McpArguments.None);
        Assert.Equal((true, false), (policy.DecideMcp(host, 8443, call).Allowed, policy.DecideMcp(host, 443, call).Allowed));
        Assert.Equal((true, false), (policy.NamesMcpServer(host, 8443), policy.NamesMcpServer(host, 443)));
    }
}
