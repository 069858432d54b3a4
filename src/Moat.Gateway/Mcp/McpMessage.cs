using Moat.Policy;

namespace Moat.Gateway.Mcp;

/// <summary>One JSON-RPC message that asks an MCP server for something.</summary>
/// <param name="Id">JSON text of the id; null for a notification, which nobody answers.</param>
/// <param name="Call">For <c>tools/call</c>; null for another method.</param>
/// <param name="Unjudged">Why the call's arguments cannot be judged; null when they can.</param>
/// <param name="Arguments">Names of the call's arguments and the bytes that each takes as JSON.</param>
internal sealed record McpMessage(string Method, string? Id, McpCall? Call, string? Unjudged, IReadOnlyList<(string Name, int Bytes)> Arguments)
{
    public const string ToolsCall = "tools/call";
    public const string ToolsList = "tools/list";
}
