using System.Runtime.CompilerServices;
using System.Text.Json;
using Moat.Audit;

namespace Moat.Runs;

/// <summary>Joins the network's records of an audit log: an intent and its outcome are one entry.</summary>
public static class NetworkTrace
{
    /// <summary>What is recorded now, in the order of the intents.</summary>
    public static IReadOnlyList<TraceEntry> Read(RunFolder folder)
    {
        if (!File.Exists(folder.AuditPath)) return [];
        var entries = new List<TraceEntry>();
        var open = new Dictionary<long, int>();
        foreach (var record in AuditReader.Read(folder.AuditPath))
        {
            if (record.Type is AuditTypes.RequestOutcome or AuditTypes.ConnectOutcome or AuditTypes.SignatureOutcome or AuditTypes.SessionOutcome)
            {
                if (open.Remove(Number(record.Payload, "intent"), out var at)) entries[at] = Complete(entries[at], record.Payload);
            }
            else if (Begin(record) is { } entry)
            {
                if (!entry.Complete) open[record.Seq] = entries.Count;
                entries.Add(entry);
            }
        }

        return entries;
    }

    /// <summary>Each entry when it is complete, from the beginning of the log until its seal or the run's end.</summary>
    public static async IAsyncEnumerable<TraceEntry> FollowAsync(RunFolder folder, [EnumeratorCancellation] CancellationToken ct = default)
    {
        var open = new Dictionary<long, TraceEntry>();
        await foreach (var record in RunRecords.FollowAsync(folder, ct).ConfigureAwait(false))
        {
            if (record.Type is AuditTypes.RequestOutcome or AuditTypes.ConnectOutcome or AuditTypes.SignatureOutcome or AuditTypes.SessionOutcome)
            {
                if (open.Remove(Number(record.Payload, "intent"), out var entry)) yield return Complete(entry, record.Payload);
            }
            else if (Begin(record) is { } entry)
            {
                if (entry.Complete) yield return entry;
                else open[record.Seq] = entry;
            }
        }
    }

    private static TraceEntry? Begin(AuditRecord record)
    {
        var payload = record.Payload;
        var entry = new TraceEntry
        {
            Seq = record.Seq,
            Time = record.Time,
            Kind = "request",
            Allowed = false,
            Complete = true,
            Host = Text(payload, "host"),
            Port = (int)Number(payload, "port"),
            Method = Text(payload, "method"),
            Path = Text(payload, "path"),
            Rule = Text(payload, "rule"),
            Reason = Text(payload, "reason"),
            Scheme = Text(payload, "scheme"),
            Protocol = Text(payload, "protocol"),
            Grant = Text(payload, "grant"),
        };
        return record.Type switch
        {
            AuditTypes.RequestIntent => entry with { Allowed = true, Complete = false },
            AuditTypes.SessionIntent => entry with { Kind = "session", Allowed = true, Complete = false, Method = Text(payload, "operation"), Path = "/" + Text(payload, "database") },
            AuditTypes.RequestDenied => entry with { Status = 403 },
            AuditTypes.ConnectIntent => entry with { Kind = "connect", Allowed = true, Complete = false },
            AuditTypes.SignatureIntent => entry with { Kind = "signature", Allowed = true, Complete = false, Method = "SIGN", Path = Text(payload, "user"), Protocol = Text(payload, "purpose") },
            AuditTypes.SignatureDenied => entry with { Kind = "signature", Method = "SIGN" },
            AuditTypes.ConnectDenied => entry with { Kind = "connect" },
            AuditTypes.DnsQuery => entry with { Kind = "dns", Host = Text(payload, "name"), Method = Text(payload, "type"), Allowed = Text(payload, "outcome") is "answered" or "empty", Reason = Text(payload, "reason") is { Length: > 0 } reason ? reason : Text(payload, "outcome") },
            _ => null,
        };
    }

    private static TraceEntry Complete(TraceEntry entry, JsonElement payload) => entry with
    {
        Complete = true,
        Status = (int)Number(payload, "status"),
        BytesIn = Number(payload, "bytes_in"),
        BytesOut = Number(payload, "bytes_out"),
        Milliseconds = Number(payload, "ms"),
        Error = Text(payload, "error"),
    };

    internal static string Text(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    internal static long Number(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;
}
