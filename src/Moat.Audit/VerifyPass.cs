namespace Moat.Audit;

/// <summary>
/// One pass over the records. Each line goes through: (1) form, number and link to the line before; (2) clocks and
/// intents; (3) the tree; (4) every checkpoint and the witness at that size.
/// </summary>
internal sealed class VerifyPass(CheckpointChain checkpoints, long? declared, AuditCheckpoint? witness, bool pinned)
{
    private const int ListedOrphans = 1000;
    private readonly MerkleTree _tree = new();
    private readonly HashSet<long> _open = [];
    private readonly List<long> _orphans = [];
    private LineFacts _last;
    private long _count;
    private long _proven;
    private int _nextNote;
    private int _clockSteps;
    private bool _torn;

    public VerifyReport Run(Stream records)
    {
        var blocks = new LineBlocks(records);
        var fault = Compare();
        List<LineFacts>? window = null;
        foreach (var block in blocks.Read())
        {
            if (fault is not null)
                break;
            for (var i = 0; i < block.Length; i++)
            {
                if (window is not null)
                {
                    window.Add(block[i]);
                    continue;
                }
                if (!IsLinked(block[i]))
                {
                    window = _count > 0 ? [_last, block[i]] : [block[i]];
                    continue;
                }
                fault = Take(block[i]) ?? Compare();
                if (fault is not null)
                    break;
            }
            if (window?.Count > ChainFault.Window)
                break;
        }
        if (window is not null)
            fault ??= ChainFault.Judge(window, _count > 0, _count, _proven);
        _torn = blocks.TornBytes > 0 || checkpoints.Torn;
        fault ??= CheckpointFault() ?? Tail(blocks.TornBytes > 0);
        return fault is { } f ? Bad(f) : Sound();
    }

    private bool IsLinked(in LineFacts line) => line.IsCanonical && line.Seq == _count
        && ChainFault.Same(line.Prev, _count == 0 ? default : _last.Chain);

    /// <summary>Steps 2 and 3.</summary>
    private ChainFault? Take(in LineFacts line)
    {
        if (_count > 0)
        {
            if (_last.Role == RecordRole.Seal)
                return new ChainFault(VerifyKind.AfterSeal, _count, _count + 1, $"record {_count} comes after the seal");
            if (line.Mono < _last.Mono)
                return new ChainFault(VerifyKind.MonotonicBackwards, _count, _count + 1, $"the monotonic clock goes backwards at record {_count}, which no clock does");
            if (line.TimeTicks < _last.TimeTicks)
                _clockSteps++;
        }
        if (line.Role == RecordRole.Intent)
            _open.Add(line.Seq);
        else if (line.Role == RecordRole.Outcome && !_open.Remove(line.Intent) && _orphans.Count < ListedOrphans)
            _orphans.Add(line.Seq);
        _tree.Add(line.Leaf);
        _last = line;
        _count++;
        return null;
    }

    /// <summary>Step 4.</summary>
    private ChainFault? Compare()
    {
        byte[]? root = null;
        while (_nextNote < checkpoints.Notes.Count && checkpoints.Notes[_nextNote].Size == _count)
        {
            root ??= _tree.Root();
            if (!checkpoints.Notes[_nextNote].Root.Span.SequenceEqual(root))
                return new ChainFault(VerifyKind.Edit, _proven, _count,
                    $"the records {_proven} to {_count - 1} are not those that were signed: the chain was computed anew");
            _nextNote++;
            _proven = _count;
        }
        if (witness is not null && witness.Size == _count && !(root ?? _tree.Root()).AsSpan().SequenceEqual(witness.Root.Span))
            return new ChainFault(VerifyKind.Fork, 0, _count,
                $"the first {_count} records are not those that the witness saw: another chain");
        return null;
    }

    private ChainFault? CheckpointFault() => checkpoints.Fault == VerifyKind.None
        ? null
        : new ChainFault(checkpoints.Fault, -1, -1, checkpoints.FaultText);

    private ChainFault? Tail(bool tornRecord)
    {
        var last = checkpoints.Notes.Count > 0 ? checkpoints.Notes[^1].Size : 0;
        if (last > _count)
            return Cut(VerifyKind.TruncatedTail, $"the tail was cut: {last} records were signed, {_count} are there"
                + (_proven < _count ? $", and of those the ones from {_proven} on have lost their signature" : ""));
        if (witness?.Size > _count)
            return Cut(VerifyKind.Rollback, $"the log was rolled back: the witness saw {witness.Size} records, {_count} are there");
        if (declared > _count || (declared is not null && tornRecord))
            return Cut(VerifyKind.TruncatedTail, $"the bundle was cut: it holds {_count} of {declared} records");
        if (declared < _count)
            return new ChainFault(VerifyKind.Insert, declared.Value, declared.Value + 1, $"the bundle says {declared} records and holds {_count}");
        return tornRecord && _count > 0 && _last.Role == RecordRole.Seal
            ? new ChainFault(VerifyKind.AfterSeal, _count, _count + 1, "something stands after the seal")
            : null;
    }

    private ChainFault Cut(VerifyKind kind, string what) => new(kind, _count, _count + 1, what);

    private VerifyReport Bad(ChainFault fault) => Report(VerifyStatus.Tampered) with
    {
        Kind = fault.Kind,
        FirstBadSeq = fault.First < 0 ? null : fault.First,
        FirstBadSeqEnd = fault.First < 0 ? null : fault.End,
        Message = $"TAMPERED: {fault.What}. Proven by signature before that: {_proven} records.",
    };

    private VerifyReport Sound()
    {
        var sealRecord = _count > 0 && _last.Role == RecordRole.Seal;
        var isSealed = sealRecord && _proven == _count;
        var text = isSealed
            ? $"Sealed: all {_count} records are proven by the seal's signature."
            : $"Not sealed{(sealRecord ? " (the seal's signature is missing)" : "")}: a crash, or the log is still in use, or it was cut back with its "
              + $"checkpoints. Proven up to the last checkpoint: {_proven} of {_count} records."
              + (witness is null ? " Only a witness (an earlier size and root) can rule out a rollback." : " It holds all that the witness saw.");
        if (!pinned && checkpoints.Notes.Count > 0)
            text += " Only the key that came with the log was used: self-consistent, not authenticated.";
        if (_open.Count > 0)
            text += $" {_open.Count} intents have no outcome.";
        if (_clockSteps > 0)
            text += $" The wall clock stepped back {_clockSteps} times.";
        return Report(isSealed ? VerifyStatus.Sealed : VerifyStatus.CleanCrash) with { Message = text };
    }

    private VerifyReport Report(VerifyStatus status) => new()
    {
        Status = status,
        Message = "",
        Records = _count,
        Checkpoints = _nextNote,
        ProvenRecords = _proven,
        WitnessedRecords = witness?.Size,
        Origin = checkpoints.Origin,
        KeyPinned = pinned,
        TornTail = _torn,
        OpenIntents = [.. _open.Order()],
        OrphanOutcomes = _orphans,
        ClockSteps = _clockSteps,
    };
}
