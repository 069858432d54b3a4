namespace Moat.Audit;

/// <summary>When an intent counts as durable.</summary>
public enum AuditDurability
{
    /// <summary>After write(2): it survives kill -9 of every Moat process. fdatasync follows within about 50 ms.</summary>
    Process,

    /// <summary>After fdatasync: it survives a power cut as far as the disk keeps its word.</summary>
    Disk,
}

/// <summary>How one audit log is written.</summary>
public sealed record AuditOptions
{
    /// <summary>The log's identity in its checkpoints (C2SP tlog-checkpoint), for example <c>moat/run/01j...</c>. No spaces, no '+'.</summary>
    public required string Origin { get; init; }

    /// <summary>Signs the checkpoints. The log does not dispose it.</summary>
    public required AuditKey Key { get; init; }

    public AuditDurability Durability { get; init; } = AuditDurability.Process;

    /// <summary>A checkpoint is signed when this many records came since the last one (1 or more).</summary>
    public int CheckpointRecords { get; init; } = 8192;

    /// <summary>A checkpoint is signed at the latest this long after a record that has none yet.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Where the latest checkpoint is kept besides, replaced as a whole: at the first one, at most once a
    /// <see cref="CheckpointInterval"/>, and when the log closes. Apart from the log, it tells a log that was cut back
    /// together with its checkpoints. null: nowhere. Its folder exists.
    /// </summary>
    public string? WitnessPath { get; init; }

    /// <summary>Wall and monotonic clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
