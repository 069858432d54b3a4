namespace Moat.Audit;

/// <summary>
/// Judges a log offline: form, numbers, chain, tree, signatures, clocks, intents. One pass, constant memory.
/// </summary>
/// <remarks>
/// What a log alone cannot tell: whoever can cut the records and the checkpoints at the same earlier checkpoint leaves
/// what a crash at that moment would have left. It is then <see cref="VerifyStatus.CleanCrash"/>, never
/// <see cref="VerifyStatus.Sealed"/>, and a witness (a size and root seen before) tells it as a rollback.
/// </remarks>
public static class AuditVerifier
{
    /// <summary>Verifies a log file (with its siblings) or an exported bundle.</summary>
    /// <param name="path">The records or the bundle.</param>
    /// <param name="key">The pinned public key. null: the key beside the records, which proves consistency but not who wrote them.</param>
    /// <param name="expectedAtLeast">A size and root of this log seen before; detects rollback and fork.</param>
    /// <param name="expectedOrigin">The run that the log must be of; null: any.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static VerifyReport Verify(string path, AuditPublicKey? key = null, AuditWitness? expectedAtLeast = null, string? expectedOrigin = null)
    {
        try
        {
            using var source = LogSource.Open(path);
            return Verify(source, key, expectedAtLeast, expectedOrigin);
        }
        catch (InvalidDataException e)
        {
            return NotALog(e);
        }
    }

    /// <summary>Verifies a bundle out of a stream.</summary>
    /// <inheritdoc cref="Verify(string, AuditPublicKey?, AuditWitness?, string?)"/>
    public static VerifyReport Verify(Stream bundle, AuditPublicKey? key = null, AuditWitness? expectedAtLeast = null, string? expectedOrigin = null)
    {
        try
        {
            using var source = LogSource.Open(bundle);
            return Verify(source, key, expectedAtLeast, expectedOrigin);
        }
        catch (InvalidDataException e)
        {
            return NotALog(e);
        }
    }

    private static VerifyReport Verify(LogSource source, AuditPublicKey? key, AuditWitness? witness, string? origin)
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
        return new VerifyPass(checkpoints, source.Declared, witness, key is not null).Run(source.Records);
    }

    private static VerifyReport NotALog(InvalidDataException e) => new()
    {
        Status = VerifyStatus.Tampered,
        Kind = VerifyKind.NotALog,
        Message = e.Message,
    };
}
