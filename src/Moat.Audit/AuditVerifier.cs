namespace Moat.Audit;

/// <summary>
/// Judges a log offline: form, numbers, chain, tree, signatures, clocks, intents. One pass, constant memory.
/// </summary>
/// <remarks>
/// What a log alone cannot tell: whoever can cut the records and the checkpoints at the same earlier checkpoint leaves
/// what a crash at that moment would have left. It is then <see cref="VerifyStatus.CleanCrash"/>, never
/// <see cref="VerifyStatus.Sealed"/>, and a witness (a later checkpoint, kept apart) tells it as a rollback.
/// </remarks>
public static class AuditVerifier
{
    /// <summary>Verifies a log file (with its siblings) or an exported bundle.</summary>
    /// <param name="path">The records or the bundle.</param>
    /// <param name="key">The pinned public key. null: the key beside the records, which proves consistency but not who wrote them.</param>
    /// <param name="witness">A signed checkpoint of this log that was kept elsewhere (<see cref="AuditOptions.WitnessPath"/>); detects rollback and fork. null: the bundle's own, where it has one.</param>
    /// <param name="expectedOrigin">The run that the log must be of; null: any.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static VerifyReport Verify(string path, AuditPublicKey? key = null, string? witness = null, string? expectedOrigin = null)
    {
        try
        {
            using var source = LogSource.Open(path);
            return Verify(source, key, witness, expectedOrigin);
        }
        catch (InvalidDataException e)
        {
            return NotALog(e);
        }
    }

    /// <summary>Verifies a bundle out of a stream.</summary>
    /// <inheritdoc cref="Verify(string, AuditPublicKey?, string?, string?)"/>
    public static VerifyReport Verify(Stream bundle, AuditPublicKey? key = null, string? witness = null, string? expectedOrigin = null)
    {
        try
        {
            using var source = LogSource.Open(bundle);
            return Verify(source, key, witness, expectedOrigin);
        }
        catch (InvalidDataException e)
        {
            return NotALog(e);
        }
    }

    private static VerifyReport Verify(LogSource source, AuditPublicKey? key, string? witness, string? origin)
    {
        var trusted = key;
        if (trusted is null && !string.IsNullOrWhiteSpace(source.Key))
        {
            try
            {
                trusted = AuditPublicKey.Parse(source.Key);
            }
            catch (Moat.Spec.MoatException e)
            {
                throw new InvalidDataException("The public key that came with the log is malformed.", e);
            }
        }
        var checkpoints = CheckpointChain.Open(source.Checkpoints, trusted, origin);
        AuditCheckpoint? seen = null;
        if ((witness ?? source.Witness) is { } note && BadWitness(note, trusted, origin ?? checkpoints.Origin, out seen) is { } fault)
            return fault;
        return new VerifyPass(checkpoints, source.Declared, seen, key is not null).Run(source.Records);
    }

    /// <summary>Opens the witness; a report when it cannot be one of this log.</summary>
    private static VerifyReport? BadWitness(string note, AuditPublicKey? key, string? origin, out AuditCheckpoint? seen)
    {
        seen = null;
        if (key is null)
            return Bad(VerifyKind.WrongKey, "there is no public key to verify the witness with");
        var (kind, text) = AuditCheckpoint.Open(note, key, out seen) switch
        {
            AuditCheckpoint.Trust.Malformed => (VerifyKind.CheckpointMalformed, "the witness is malformed"),
            AuditCheckpoint.Trust.UnknownKey => (VerifyKind.WrongKey, $"the witness is not signed by {key}"),
            AuditCheckpoint.Trust.BadSignature => (VerifyKind.CheckpointEdited, "the signature of the witness does not fit its text"),
            _ when origin is not null && seen!.Origin != origin => (VerifyKind.WrongOrigin, $"the witness belongs to the log {seen.Origin}, not {origin}"),
            _ => (VerifyKind.None, ""),
        };
        return kind == VerifyKind.None ? null : Bad(kind, text);

        static VerifyReport Bad(VerifyKind kind, string text) => new() { Status = VerifyStatus.Tampered, Kind = kind, Message = $"TAMPERED: {text}." };
    }

    private static VerifyReport NotALog(InvalidDataException e) => new()
    {
        Status = VerifyStatus.Tampered,
        Kind = VerifyKind.NotALog,
        Message = e.Message,
    };
}
