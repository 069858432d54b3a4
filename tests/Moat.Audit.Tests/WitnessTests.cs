namespace Moat.Audit.Tests;

/// <summary>T-90: a log that is cut or forged together with its checkpoints is told by the checkpoint that is kept apart.</summary>
public class WitnessTests
{
    [Fact]
    public async Task T90_a_log_cut_with_its_checkpoints_looks_like_a_crash_and_the_witness_tells_it()
    {
        using var log = await new TestLog().WriteAsync(10);
        log.Replace(log.Lines()[..4]);
        File.WriteAllText(LogFiles.CheckpointsOf(log.Path), "");
        var cut = log.Verify();
        Assert.Equal((VerifyStatus.CleanCrash, 0), (cut.Status, cut.ProvenRecords));
        Assert.Null(cut.WitnessedRecords);
        Assert.Contains("Only a witness", cut.Message, StringComparison.Ordinal);

        var rollback = log.Verify(Witness(log));
        Assert.Equal((VerifyStatus.Tampered, VerifyKind.Rollback, 4), (rollback.Status, rollback.Kind, rollback.FirstBadSeq));
    }

    [Fact]
    public async Task T90_a_log_cut_back_to_any_earlier_checkpoint_is_a_rollback()
    {
        using var test = new TestLog();
        var (lengths, notes) = (new List<long>(), new List<long>());
        await using (var log = AuditLog.Create(test.Path, test.Options with { CheckpointInterval = TimeSpan.Zero, CheckpointRecords = 1 }))
        {
            for (var i = 0; i < 6; i++)
            {
                await log.AppendIntentAsync(AuditTypes.StartIntent, AuditPayload.Create().Add("n", i), TestContext.Current.CancellationToken);
                while (Size(test) <= i) await Task.Yield();
                lengths.Add(new FileInfo(test.Path).Length);
                notes.Add(new FileInfo(LogFiles.CheckpointsOf(test.Path)).Length);
            }
            await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        }
        var (records, checkpoints) = (File.ReadAllBytes(test.Path), File.ReadAllBytes(LogFiles.CheckpointsOf(test.Path)));
        Assert.Equal(VerifyStatus.Sealed, test.Verify(Witness(test)).Status);
        for (var i = 0; i < lengths.Count; i++)
        {
            File.WriteAllBytes(test.Path, records[..(int)lengths[i]]);
            File.WriteAllBytes(LogFiles.CheckpointsOf(test.Path), checkpoints[..(int)notes[i]]);
            Assert.Equal((VerifyStatus.CleanCrash, i + 1), (test.Verify().Status, test.Verify().ProvenRecords));
            Assert.Equal((VerifyStatus.Tampered, VerifyKind.Rollback, i + 1), (test.Verify(Witness(test)).Status, test.Verify(Witness(test)).Kind, test.Verify(Witness(test)).FirstBadSeq));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_witness_is_the_last_checkpoint_of_a_log_that_was_closed(bool seal)
    {
        using var log = await new TestLog().WriteAsync(7, seal);
        var report = log.Verify(Witness(log));
        Assert.Equal((seal ? VerifyStatus.Sealed : VerifyStatus.CleanCrash, 7), (report.Status, report.WitnessedRecords));
        Assert.EndsWith(Witness(log) + "\n", File.ReadAllText(LogFiles.CheckpointsOf(log.Path)), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(log.WitnessPath));
    }

    [Fact]
    public async Task T90_another_chain_signed_with_the_same_key_is_a_fork()
    {
        using var log = await new TestLog().WriteAsync(10);
        Assert.Equal(VerifyKind.Fork, log.Verify(new AuditCheckpoint(TestLog.Origin, 5, new byte[32]).Sign(log.Key)).Kind);
    }

    [Fact]
    public async Task A_witness_that_is_none_of_this_log_is_no_witness_and_is_told()
    {
        using var log = await new TestLog().WriteAsync(5);
        using var stranger = AuditKey.Generate();
        var own = Witness(log);
        foreach (var (witness, kind) in ((string, VerifyKind)[])[
            ("not a note", VerifyKind.CheckpointMalformed), ("", VerifyKind.CheckpointMalformed), (own.Replace("\n5\n", "\n4\n", StringComparison.Ordinal), VerifyKind.CheckpointEdited),
            (new AuditCheckpoint(TestLog.Origin, 5, new byte[32]).Sign(stranger), VerifyKind.WrongKey), (new AuditCheckpoint("moat/run/other", 5, new byte[32]).Sign(log.Key), VerifyKind.WrongOrigin)])
            Assert.Equal((VerifyStatus.Tampered, kind), (log.Verify(witness).Status, log.Verify(witness).Kind));
    }

    [Fact]
    public async Task T90_a_bundle_takes_the_witness_along()
    {
        using var log = await new TestLog().WriteAsync(10);
        using var whole = Export(log);
        Assert.Equal((VerifyStatus.Sealed, 10), (AuditVerifier.Verify(whole, log.Key.PublicKey).Status, AuditVerifier.Verify(Export(log), log.Key.PublicKey).WitnessedRecords));
        log.Replace(log.Lines()[..4]);
        File.WriteAllText(LogFiles.CheckpointsOf(log.Path), "");
        Assert.Equal(VerifyKind.Rollback, AuditVerifier.Verify(Export(log), log.Key.PublicKey).Kind);
        // Without it, and with one from elsewhere.
        using var bare = new MemoryStream();
        AuditBundle.Export(log.Path, bare);
        Assert.Equal(VerifyStatus.CleanCrash, AuditVerifier.Verify(new MemoryStream(bare.ToArray()), log.Key.PublicKey).Status);
        Assert.Equal(VerifyKind.Rollback, AuditVerifier.Verify(new MemoryStream(bare.ToArray()), log.Key.PublicKey, Witness(log)).Kind);
    }

    [Fact]
    public async Task The_witness_never_runs_ahead_of_the_log()
    {
        using var test = new TestLog();
        await using var log = AuditLog.Create(test.Path, test.Options with { CheckpointInterval = TimeSpan.FromMilliseconds(1), CheckpointRecords = 16 });
        for (var i = 0; i < 2000; i++)
        {
            log.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("n", i));
            if (i % 20 != 0 || !File.Exists(test.WitnessPath)) continue;
            // What somebody finds who pulls the plug between any two writes.
            var witness = Witness(test);
            Assert.True(test.Verify(witness).IsSound, test.Verify(witness).Message);
        }
    }

    private static string Witness(TestLog log) => File.ReadAllText(log.WitnessPath);

    private static MemoryStream Export(TestLog log)
    {
        using var bundle = new MemoryStream();
        AuditBundle.Export(log.Path, bundle, Witness(log));
        return new MemoryStream(bundle.ToArray());
    }

    private static long Size(TestLog log) => File.Exists(log.WitnessPath) && AuditCheckpoint.Open(Witness(log), log.Key.PublicKey) is { } note ? note.Size : 0;
}
