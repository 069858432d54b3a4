namespace Moat.Runs;

/// <summary>Where the descriptions of MCP tools are pinned, for all runs of this person.</summary>
public static class McpPinFolder
{
    /// <param name="stateDirectory">Moat's state folder (host path).</param>
    public static string In(string stateDirectory) => Path.Combine(stateDirectory, "mcp");
}
