using System.Runtime.CompilerServices;
using System.Text.Json;
using Moat.Audit;

namespace Moat.Runs;

/// <summary>The exec records of an audit log.</summary>
public static class ExecTrace
{
    /// <summary>What is recorded now, in order.</summary>
    public static IReadOnlyList<ExecEntry> Read(RunFolder folder) =>
        File.Exists(folder.AuditPath) ? [.. AuditReader.Read(folder.AuditPath).Select(Entry).OfType<ExecEntry>()] : [];

    /// <summary>Each entry as it comes, from the beginning of the log until its seal or the run's end.</summary>
    public static async IAsyncEnumerable<ExecEntry> FollowAsync(RunFolder folder, [EnumeratorCancellation] CancellationToken ct = default)
    {
        await foreach (var record in RunRecords.FollowAsync(folder, ct).ConfigureAwait(false))
        {
            if (Entry(record) is { } entry) yield return entry;
        }
    }

    private static ExecEntry? Entry(AuditRecord record)
    {
        if (record.Type is not (AuditTypes.ProcessExec or AuditTypes.ProcessDenied)) return null;
        var payload = record.Payload;
        return new ExecEntry
        {
            Seq = record.Seq,
            Time = record.Time,
            Pid = NetworkTrace.Number(payload, "pid"),
            ParentPid = NetworkTrace.Number(payload, "parent"),
            Allowed = record.Type == AuditTypes.ProcessExec,
            Rule = NetworkTrace.Text(payload, "rule"),
            Path = NetworkTrace.Text(payload, "path"),
            File = NetworkTrace.Text(payload, "file"),
            Arguments = payload.TryGetProperty("arguments", out var arguments) && arguments.ValueKind == JsonValueKind.Array ? [.. arguments.EnumerateArray().Select(a => a.GetString() ?? "")] : [],
            Truncated = payload.TryGetProperty("truncated", out var truncated) && truncated.ValueKind == JsonValueKind.True,
            Directory = NetworkTrace.Text(payload, "cwd"),
        };
    }
}
