namespace Moat.Audit;

/// <summary>The checkpoints of a log with their signatures judged, smallest first, and the first thing wrong with them.</summary>
internal sealed record CheckpointChain(List<AuditCheckpoint> Notes, VerifyKind Fault, string FaultText, bool Torn)
{
    public string? Origin => Notes.Count > 0 ? Notes[0].Origin : null;

    public static CheckpointChain Open(byte[] file, AuditPublicKey? key, string? expectedOrigin)
    {
        var texts = AuditCheckpoint.SplitNotes(file, out var torn);
        var notes = new List<AuditCheckpoint>(texts.Count);
        CheckpointChain Bad(VerifyKind kind, string text) => new(notes, kind, text, torn);

        if (texts.Count > 0 && key is null)
            return Bad(VerifyKind.WrongKey, "there is no public key to verify the checkpoints with");
        for (var i = 0; i < texts.Count; i++)
        {
            switch (AuditCheckpoint.Open(texts[i], key!, out var note))
            {
                case AuditCheckpoint.Trust.Malformed:
                    return Bad(VerifyKind.CheckpointMalformed, $"checkpoint {i + 1} is malformed");
                case AuditCheckpoint.Trust.UnknownKey:
                    return Bad(VerifyKind.WrongKey, $"checkpoint {i + 1} is not signed by {key}");
                case AuditCheckpoint.Trust.BadSignature:
                    return Bad(VerifyKind.CheckpointEdited, $"the signature of checkpoint {i + 1} does not fit its text");
            }
            var origin = expectedOrigin ?? notes.FirstOrDefault()?.Origin ?? note!.Origin;
            if (note!.Origin != origin)
                return Bad(VerifyKind.WrongOrigin, $"checkpoint {i + 1} belongs to the log {note.Origin}, not {origin}");
            if (notes.Count > 0 && note.Size < notes[^1].Size)
                return Bad(VerifyKind.CheckpointOrder, $"checkpoint {i + 1} is smaller than the one before");
            if (notes.Count > 0 && note.Size == notes[^1].Size && !note.Root.Span.SequenceEqual(notes[^1].Root.Span))
                return Bad(VerifyKind.Fork, $"two signed checkpoints at {note.Size} records have different roots: the log was forked");
            notes.Add(note);
        }
        return new CheckpointChain(notes, VerifyKind.None, "", torn);
    }
}
