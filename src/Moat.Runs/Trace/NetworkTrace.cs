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
            if (record.Type is AuditTypes.RequestOutcome or AuditTypes.SessionOutcome)
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
        // A supervisor that was killed seals nothing: the follower ends with its lock, not with the seal alone.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var watching = WatchAsync(folder, end);
        var open = new Dictionary<long, TraceEntry>();
        var records = AuditReader.FollowAsync(folder.AuditPath, end.Token).GetAsyncEnumerator(end.Token);
        await using (records.ConfigureAwait(false))
        {
            while (await NextAsync(records, ct).ConfigureAwait(false))
            {
                var record = records.Current;
                if (record.Type is AuditTypes.RequestOutcome or AuditTypes.SessionOutcome)
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

        await end.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
    }

    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<AuditRecord> records, CancellationToken ct)
    {
        try
        {
            return await records.MoveNextAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task WatchAsync(RunFolder folder, CancellationTokenSource end)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        try
        {
            while (LockFile.IsHeld(folder.LockPath)) await timer.WaitForNextTickAsync(end.Token).ConfigureAwait(false);
            // One more look of the reader at what was written last.
            await timer.WaitForNextTickAsync(end.Token).ConfigureAwait(false);
            await end.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The reader ended first.
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

    private static string Text(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static long Number(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;
}
