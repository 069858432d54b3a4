using Moat.Runs;

namespace Moat.Cli.Output;

/// <summary>MCP messages of a trace for a person.</summary>
internal static class McpText
{
    public static void Print(IReadOnlyList<McpTraceEntry> entries)
    {
        var listing = new Listing("TIME", "SERVER", "METHOD", "TOOL", "DECISION", "ID", "ARGUMENTS", "RULE");
        foreach (var entry in entries) listing.Add(Cells(entry));
        listing.Print("no messages to MCP servers yet");
    }

    public static string Line(McpTraceEntry entry) => Printable.Text(string.Join("  ", Cells(entry)));

    private static string[] Cells(McpTraceEntry entry) =>
    [
        Words.Clock(entry.Time),
        entry.Server,
        entry.Kind == "tool-changed" ? "description changed" : entry.Method,
        entry.Tool.Length > 0 ? entry.Tool : "-",
        entry.Allowed ? "allowed" : "denied",
        entry.Id.Length > 0 ? entry.Id : "-",
        entry.Arguments.Count > 0 ? Printable.Text(string.Join(", ", entry.Arguments.Select(static a => $"{a.Key} ({Words.Bytes(a.Value)})")), 80) : "-",
        entry.WouldDeny.Length > 0 ? "would be denied: " + entry.WouldDeny : entry.Rule,
    ];
}
