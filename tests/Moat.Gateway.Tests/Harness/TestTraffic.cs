using Moat.Gateway.Mcp;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Tests;

internal static class TestTraffic
{
    /// <summary>What is under way in a gateway without MCP servers.</summary>
    public static LiveTraffic Of(PolicyGate gate, Recorder recorder) => new(gate, new McpGate([], gate, new McpPins(null, recorder, null), recorder), recorder);
}
