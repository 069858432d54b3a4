using System.Runtime.CompilerServices;
using System.Text.Json;
using Moat.Audit;

namespace Moat.Runs;

/// <summary>The records of MCP messages in an audit log.</summary>
public static class McpTrace
{
    /// <summary>What is recorded now, in order.</summary>
    public static IReadOnlyList<McpTraceEntry> Read(RunFolder folder) =>
        File.Exists(folder.AuditPath) ? [.. AuditReader.Read(folder.AuditPath).Select(Of).OfType<McpTraceEntry>()] : [];

    /// <summary>Each entry from the beginning of the log until its seal or the run's end.</summary>
    public static async IAsyncEnumerable<McpTraceEntry> FollowAsync(RunFolder folder, [EnumeratorCancellation] CancellationToken ct = default)
    {
        await foreach (var record in RunRecords.FollowAsync(folder, ct).ConfigureAwait(false))
        {
            if (Of(record) is { } entry) yield return entry;
        }
    }

    private static McpTraceEntry? Of(AuditRecord record) => record.Type switch
    {
        AuditTypes.McpCall => new McpTraceEntry
        {
            Seq = record.Seq,
            Time = record.Time,
            Kind = "message",
            Server = Text(record.Payload, "server"),
            Method = Text(record.Payload, "method"),
            Tool = Text(record.Payload, "tool"),
            Allowed = Text(record.Payload, "decision") == "allowed",
            Id = Text(record.Payload, "id"),
            Arguments = Sizes(record.Payload),
            Rule = Text(record.Payload, "rule"),
            Reason = Text(record.Payload, "reason"),
            WouldDeny = Text(record.Payload, "would_deny"),
        },
        AuditTypes.McpToolChanged => new McpTraceEntry
        {
            Seq = record.Seq,
            Time = record.Time,
            Kind = "tool-changed",
            Server = Text(record.Payload, "server"),
            Tool = Text(record.Payload, "tool"),
            Allowed = record.Payload.TryGetProperty("approved", out var approved) && approved.ValueKind == JsonValueKind.True,
        },
        _ => null,
    };

    private static Dictionary<string, long> Sizes(JsonElement payload)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        if (!payload.TryGetProperty("arguments", out var arguments) || arguments.ValueKind != JsonValueKind.Object) return sizes;
        foreach (var property in arguments.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt64(out var bytes)) sizes[property.Name] = bytes;
        }

        return sizes;
    }

    private static string Text(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
