namespace Moat.Policy;

/// <summary>A call of an MCP server's tool.</summary>
/// <param name="Tool">The tool's name as the server will read it.</param>
public sealed record McpCall(string Tool, McpArguments Arguments);
