using System.Text.Json;

namespace Moat.Audit;

/// <summary>One record as it was read.</summary>
/// <param name="Seq">Its number; the first is 0.</param>
/// <param name="Time">Wall clock, UTC.</param>
/// <param name="MonotonicNanoseconds">CLOCK_MONOTONIC since the log was opened, in ns.</param>
/// <param name="Type">One of <see cref="AuditTypes"/>.</param>
/// <param name="Payload">What happened.</param>
/// <param name="Prev">SHA-256 of the previous line, lower-case hex.</param>
public sealed record AuditRecord(long Seq, DateTimeOffset Time, long MonotonicNanoseconds, string Type, JsonElement Payload, string Prev);
