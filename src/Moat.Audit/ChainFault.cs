namespace Moat.Audit;

/// <summary>Names a broken place in the chain: which record is the first that was not written so, and what was done to it.</summary>
internal readonly record struct ChainFault(VerifyKind Kind, long First, long End, string What)
{
    /// <summary>So many lines after the break are looked at to find where a missing record went.</summary>
    public const int Window = 200_000;

    /// <summary>
    /// Judges a break. <paramref name="lines"/> starts with the good record before it if there is one
    /// (<paramref name="hasBefore"/>), then the line at position <paramref name="at"/>, then what follows. The records
    /// below <paramref name="proven"/> are known good by a signature.
    /// </summary>
    public static ChainFault Judge(List<LineFacts> lines, bool hasBefore, long at, long proven)
    {
        var i = hasBefore ? 1 : 0;
        var line = lines[i];
        if (!line.IsCanonical)
            return One(VerifyKind.NonCanonical, at, "is not in the one form that Moat writes (edited, or not a record)");
        var linked = hasBefore ? Same(line.Prev, lines[0].Chain) : Same(line.Prev, default);
        if (line.Seq == at)
            return Unlinked(lines, i, hasBefore, at, proven);
        if (linked)
            return One(VerifyKind.Edit, at, "was edited: its number is not its place");
        return line.Seq > at ? Ahead(lines, i, at) : Behind(lines, i, hasBefore, at, proven);
    }

    /// <summary>The number is right, the hash of the record before is not: either of the two was changed.</summary>
    private static ChainFault Unlinked(List<LineFacts> lines, int i, bool hasBefore, long at, long proven)
    {
        var hasNext = i + 1 < lines.Count && lines[i + 1].IsCanonical;
        if (hasNext && lines[i + 1].Seq == at)
            return One(VerifyKind.Insert, at, "was inserted");
        if (!hasBefore || at <= proven)
            return One(VerifyKind.Edit, at, "was edited");
        if (!hasNext)
            return new ChainFault(VerifyKind.Edit, at - 1, at + 1, $"record {at - 1} or {at} was edited");
        // The successor holds this record's hash: if it fits, this one is as it was written.
        return Same(lines[i + 1].Prev, lines[i].Chain)
            ? One(VerifyKind.Edit, at - 1, "was edited")
            : One(VerifyKind.Edit, at, "was edited");
    }

    /// <summary>A later number than expected: the expected record is gone or stands elsewhere.</summary>
    private static ChainFault Ahead(List<LineFacts> lines, int i, long at)
    {
        var found = lines.FindIndex(i + 1, l => l.IsCanonical && l.Seq == at);
        if (found < 0)
            return One(VerifyKind.Gap, at, $"is missing (record {lines[i].Seq} stands in its place)");
        var seq = lines[i].Seq;
        if (at + (found - i) == seq)
            return One(VerifyKind.Swap, at, $"changed places with record {seq}");
        return lines.FindIndex(i + 1, l => l.IsCanonical && l.Seq == seq) >= 0
            ? One(VerifyKind.Insert, at, $"has a copy of record {seq} before it")
            : One(VerifyKind.Reorder, at, $"stands {found - i} lines late");
    }

    /// <summary>An earlier number than expected: something is there twice.</summary>
    private static ChainFault Behind(List<LineFacts> lines, int i, bool hasBefore, long at, long proven)
    {
        var isFork = hasBefore && lines[i].Seq == at - 1 && Same(lines[i].Prev, lines[0].Prev) && !Same(lines[i].Chain, lines[0].Chain);
        if (!isFork)
            return One(VerifyKind.Insert, at, $"has record {lines[i].Seq} once more in its place");
        if (at <= proven)
            return One(VerifyKind.Fork, at, $"has a second record {at - 1} in its place");
        if (i + 1 >= lines.Count)
            return new ChainFault(VerifyKind.Fork, at - 1, at + 1, $"record {at - 1} is there twice, with different contents");
        return Same(lines[i + 1].Prev, lines[i].Chain)
            ? One(VerifyKind.Fork, at - 1, "is there twice, with different contents; the first is foreign")
            : One(VerifyKind.Fork, at, $"has a second record {at - 1} in its place");
    }

    internal static bool Same(in Hash32 left, in Hash32 right) => ((ReadOnlySpan<byte>)left).SequenceEqual(right);

    private static ChainFault One(VerifyKind kind, long seq, string what) => new(kind, seq, seq + 1, $"record {seq} {what}");
}
