using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Moat.Audit;

/// <summary>Reads records without judging the chain; <see cref="AuditVerifier"/> does that.</summary>
public static class AuditReader
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>The whole records that are in the file now (a log or a bundle). A torn last line is left out.</summary>
    /// <exception cref="InvalidDataException">A line is no record; the message names its number.</exception>
    public static IEnumerable<AuditRecord> Read(string path)
    {
        using var source = LogSource.Open(path);
        var lines = new LineCutter(source.Records);
        long number = 0;
        while (lines.TryNext(out var line))
            yield return Parse(line.Span, number++);
    }

    /// <summary>The records that are there, then each new one, until the log is sealed or the token cancels.</summary>
    /// <exception cref="InvalidDataException">A line is no record.</exception>
    public static async IAsyncEnumerable<AuditRecord> FollowAsync(string path, [EnumeratorCancellation] CancellationToken ct = default)
    {
        using var source = LogSource.Open(path);
        var lines = new LineCutter(source.Records);
        // Polling, since inotify watches are few on many machines and blind on some file systems.
        using var timer = new PeriodicTimer(Poll);
        long number = 0;
        while (true)
        {
            while (lines.TryNext(out var line))
            {
                var record = Parse(line.Span, number++);
                yield return record;
                if (AuditTypes.IsSeal(record.Type))
                    yield break;
            }
            await timer.WaitForNextTickAsync(ct).ConfigureAwait(false);
        }
    }

    internal static AuditRecord Parse(ReadOnlySpan<byte> line, long number)
    {
        var scanned = LineScanner.Scan(line);
        if (!scanned.IsCanonical)
            throw new InvalidDataException($"Line {number + 1} of the audit log is no record.");
        var type = new Utf8JsonReader(line[(scanned.Type.Start.Value - 1)..(scanned.Type.End.Value + 1)]);
        type.Read();
        var payload = new Utf8JsonReader(line[scanned.Payload]);
        return new AuditRecord(scanned.Seq, new DateTimeOffset(scanned.TimeTicks, TimeSpan.Zero), scanned.Mono,
            type.GetString()!, JsonElement.ParseValue(ref payload), Convert.ToHexStringLower(scanned.Prev));
    }
}
