using System.Text.Json.Serialization;
using Moat.Spec;

namespace Moat.Audit;

/// <summary>The verdict on a log.</summary>
[JsonConverter(typeof(KebabCaseEnum<VerifyStatus>))]
public enum VerifyStatus
{
    /// <summary>Sealed, and every record is proven by the seal's signature.</summary>
    Sealed,

    /// <summary>Consistent but not sealed: proven up to the last checkpoint only. A crash looks so; so does a log cut back together with its checkpoints, which only a witness can tell.</summary>
    CleanCrash,

    /// <summary>The log is not what was written.</summary>
    Tampered,
}

/// <summary>What was found first.</summary>
[JsonConverter(typeof(KebabCaseEnum<VerifyKind>))]
public enum VerifyKind
{
    None,
    Edit,
    Gap,
    Insert,
    Swap,
    Reorder,
    Fork,
    TruncatedTail,
    Rollback,
    NonCanonical,
    MonotonicBackwards,
    AfterSeal,
    CheckpointMalformed,
    CheckpointEdited,
    CheckpointOrder,
    WrongKey,
    WrongOrigin,
    NotALog,
}

/// <summary>The outcome of <see cref="AuditVerifier"/>.</summary>
public sealed record VerifyReport
{
    public required VerifyStatus Status { get; init; }

    public VerifyKind Kind { get; init; }

    /// <summary>
    /// The first record that is not the one that was written; null if all are. With a range, the first that may be. Of a
    /// cut tail, the first that is missing: the records from <see cref="ProvenRecords"/> to it form a chain, but no
    /// signature stands for them any more.
    /// </summary>
    public long? FirstBadSeq { get; init; }

    /// <summary>
    /// Where the range of the first bad record ends (exclusive). It is wider than one record if somebody computed the
    /// chain anew, since then only a signature tells, and that stands for all records since the checkpoint before.
    /// </summary>
    public long? FirstBadSeqEnd { get; init; }

    /// <summary>The verdict in plain words, for a person.</summary>
    public required string Message { get; init; }

    /// <summary>Whole records in the file.</summary>
    public long Records { get; init; }

    /// <summary>Checkpoints whose signature and root were verified.</summary>
    public int Checkpoints { get; init; }

    /// <summary>Records [0, n) are proven by a signature.</summary>
    public long ProvenRecords { get; init; }

    /// <summary>The log's name in its checkpoints.</summary>
    public string? Origin { get; init; }

    /// <summary>Records that a witness saw; null where there was none. Everything up to there is in the log.</summary>
    public long? WitnessedRecords { get; init; }

    /// <summary>False: only the key that came with the log was used. It is self-consistent, but whoever wrote all of it could have signed it.</summary>
    public bool KeyPinned { get; init; }

    /// <summary>The last line or note was cut while it was written.</summary>
    public bool TornTail { get; init; }

    /// <summary>Intents without an outcome: their effect may or may not have happened.</summary>
    public IReadOnlyList<long> OpenIntents { get; init; } = [];

    /// <summary>Outcomes that name no open intent.</summary>
    public IReadOnlyList<long> OrphanOutcomes { get; init; } = [];

    /// <summary>How often the wall clock went backwards. A step of the clock, no tampering.</summary>
    public int ClockSteps { get; init; }

    public bool IsSound => Status != VerifyStatus.Tampered;
}
