namespace Moat.Runs;

/// <summary>One line of <c>moat trace --mcp</c>: a message to an MCP server, or a tool that it described in another way than before.</summary>
public sealed record McpTraceEntry
{
    /// <summary>Number of the record.</summary>
    public required long Seq { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary><c>message</c> or <c>tool-changed</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Host, with its port where that is not 443.</summary>
    public required string Server { get; init; }

    /// <summary>For a message: <c>tools/call</c> and its like.</summary>
    public string Method { get; init; } = "";

    /// <summary>The tool; empty where none is meant.</summary>
    public string Tool { get; init; } = "";

    /// <summary>For a message: whether it went out; for a changed tool: whether the description is approved.</summary>
    public required bool Allowed { get; init; }

    /// <summary>The JSON text of the message's id; empty for a notification.</summary>
    public string Id { get; init; } = "";

    /// <summary>Names of the call's arguments, and the bytes that the value of each takes. Values are not recorded.</summary>
    public IReadOnlyDictionary<string, long> Arguments { get; init; } = new Dictionary<string, long>();

    public string Rule { get; init; } = "";

    public string Reason { get; init; } = "";

    /// <summary>The statement that would have denied the message, in shadow mode; otherwise empty.</summary>
    public string WouldDeny { get; init; } = "";
}
