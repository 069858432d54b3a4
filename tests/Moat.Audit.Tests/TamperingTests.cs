using System.Text;
using CsCheck;

namespace Moat.Audit.Tests;

/// <summary>T-90: each way to change a log is told, and the first record that is not the written one is named.</summary>
public class TamperingTests
{
    [Fact]
    public async Task A_sealed_log_is_proven_to_its_last_record()
    {
        using var log = await new TestLog().WriteAsync(20);
        var report = log.Verify();
        Assert.Equal(VerifyStatus.Sealed, report.Status);
        Assert.Equal(20, report.ProvenRecords);
        Assert.True(report.KeyPinned);
        var embedded = AuditVerifier.Verify(log.Path);
        Assert.False(embedded.KeyPinned);
        Assert.Contains("not authenticated", embedded.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T90_any_tampering_with_a_sealed_log_is_told_and_its_first_bad_record_named()
    {
        using var log = await new TestLog().WriteAsync(12);
        var original = log.Lines();
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 11], Gen.Int[0, 11], Gen.Int[0, 10_000]).Sample((what, a, b, at) =>
        {
            var lines = new List<string>(original);
            switch (what)
            {
                case 0: lines[a] = Flip(lines[a], at); break;
                case 1: lines.RemoveAt(a); break;
                case 2: lines.Insert(b, lines[a]); break;
                case 3: (lines[a], lines[b]) = (lines[b], lines[a]); break;
                case 4: lines.RemoveRange(a, lines.Count - a); break;
                case 5: lines[a] = lines[a].Replace("example", "evil", StringComparison.Ordinal); break;
                case 6: lines.RemoveAt(a); lines = TestLog.Rechain(lines); break;
            }
            log.Replace(lines);
            var report = log.Verify();
            // The naive oracle: the first place where the lines differ.
            var first = Enumerable.Range(0, 12).FirstOrDefault(i => i >= lines.Count || lines[i] != original[i], -1);
            if (first < 0 && lines.Count == 12)
                return report.Status == VerifyStatus.Sealed;
            if (first < 0)
                first = 12;
            if (report.Status != VerifyStatus.Tampered || report.ProvenRecords > first || first >= report.FirstBadSeqEnd)
                return false;
            // A chain computed anew is a good chain: then only what lies under a signature is certain. Else the record is
            // named, exactly if a successor holds its hash.
            return what == 6 || (report.FirstBadSeq <= first && (first >= 10 || report.FirstBadSeq == first));
        }, iter: 2000, threads: 1);
    }

    [Theory]
    [InlineData(VerifyKind.Gap)]
    [InlineData(VerifyKind.Swap)]
    [InlineData(VerifyKind.Reorder)]
    [InlineData(VerifyKind.Insert)]
    [InlineData(VerifyKind.TruncatedTail)]
    [InlineData(VerifyKind.Edit)]
    [InlineData(VerifyKind.Fork)]
    [InlineData(VerifyKind.NonCanonical)]
    public async Task T90_each_kind_of_tampering_has_its_name(VerifyKind kind)
    {
        using var log = await new TestLog().WriteAsync(10);
        var lines = log.Lines();
        switch (kind)
        {
            case VerifyKind.Gap: lines.RemoveAt(4); break;
            case VerifyKind.Swap: (lines[4], lines[7]) = (lines[7], lines[4]); break;
            case VerifyKind.Reorder: lines.Insert(7, lines[4]); lines.RemoveAt(4); break;
            case VerifyKind.Insert: lines.Insert(4, lines[2]); break;
            case VerifyKind.TruncatedTail: lines.RemoveRange(4, 6); break;
            case VerifyKind.Edit: lines[4] = lines[4].Replace("host4", "host5", StringComparison.Ordinal); break;
            case VerifyKind.Fork: lines.Insert(4, lines[4].Replace("host4", "evil", StringComparison.Ordinal)); break;
            case VerifyKind.NonCanonical: lines[4] = lines[4].Replace("\"n\":4", "\"n\":4,\"n\":4", StringComparison.Ordinal); break;
        }
        log.Replace(lines);
        var report = log.Verify();
        Assert.Equal((VerifyStatus.Tampered, kind, 4), (report.Status, report.Kind, report.FirstBadSeq));
    }

    [Fact]
    public async Task Another_key_another_run_and_an_edited_signature_are_told()
    {
        using var log = await new TestLog().WriteAsync(3);
        using var other = AuditKey.Generate();
        Assert.Equal(VerifyKind.WrongKey, AuditVerifier.Verify(log.Path, other.PublicKey).Kind);
        Assert.Equal(VerifyKind.WrongOrigin, AuditVerifier.Verify(log.Path, log.Key.PublicKey, expectedOrigin: "moat/run/other").Kind);
        var notes = LogFiles.CheckpointsOf(log.Path);
        File.WriteAllText(notes, File.ReadAllText(notes).Replace("\n3\n", "\n2\n", StringComparison.Ordinal));
        Assert.Equal(VerifyKind.CheckpointEdited, log.Verify().Kind);
    }

    [Fact]
    public async Task A_record_after_the_seal_is_told()
    {
        using var log = await new TestLog().WriteAsync(5);
        var lines = log.Lines();
        log.Replace(TestLog.Rechain([.. lines, lines[1]]));
        var report = log.Verify();
        Assert.Equal((VerifyStatus.Tampered, VerifyKind.AfterSeal, 5), (report.Status, report.Kind, report.FirstBadSeq));
    }

    [Fact]
    public async Task Two_signed_checkpoints_of_one_size_with_different_roots_are_a_fork()
    {
        using var log = await new TestLog().WriteAsync(5);
        File.AppendAllText(LogFiles.CheckpointsOf(log.Path), new AuditCheckpoint(TestLog.Origin, 5, new byte[32]).Sign(log.Key) + "\n");
        Assert.Equal((VerifyStatus.Tampered, VerifyKind.Fork), (log.Verify().Status, log.Verify().Kind));
    }

    [Fact]
    public async Task T94_a_monotonic_clock_that_goes_back_is_tampering()
    {
        using var log = new TestLog();
        await log.WriteAsync(3, options: log.Options with { Clock = new BackwardsClock() });
        var report = log.Verify();
        Assert.Equal((VerifyStatus.Tampered, VerifyKind.MonotonicBackwards, 1), (report.Status, report.Kind, report.FirstBadSeq));
    }

    [Fact]
    public async Task A_torn_last_line_of_an_unsealed_log_is_a_clean_crash()
    {
        using var log = await new TestLog().WriteAsync(5, seal: false);
        File.AppendAllText(log.Path, "{\"mono\":12,\"payl");
        var report = log.Verify();
        Assert.Equal(VerifyStatus.CleanCrash, report.Status);
        Assert.True(report.TornTail);
        Assert.Equal(5, report.ProvenRecords);
        Assert.Equal(5, AuditReader.Read(log.Path).Count());
    }

    [Fact]
    public async Task A_bundle_verifies_alone_and_tells_when_it_was_cut()
    {
        using var log = await new TestLog().WriteAsync(8);
        using var bundle = new MemoryStream();
        AuditBundle.Export(log.Path, bundle);
        bundle.Position = 0;
        Assert.Equal(VerifyStatus.Sealed, AuditVerifier.Verify(new MemoryStream(bundle.ToArray()), log.Key.PublicKey).Status);
        var text = Encoding.UTF8.GetString(bundle.ToArray());
        var cut = Encoding.UTF8.GetBytes(text[..(text.TrimEnd('\n').LastIndexOf('\n') + 1)]);
        Assert.Equal(VerifyKind.TruncatedTail, AuditVerifier.Verify(new MemoryStream(cut), log.Key.PublicKey).Kind);
    }

    private static string Flip(string line, int at)
    {
        var chars = line.ToCharArray();
        at %= chars.Length;
        chars[at] = chars[at] == 'x' ? 'y' : 'x';
        return new string(chars);
    }

    /// <summary>Gives each record a smaller, still positive monotonic time.</summary>
    private sealed class BackwardsClock : TimeProvider
    {
        private long _now = 1_000_000_000_000;
        private bool _started;

        public override long GetTimestamp()
        {
            if (_started)
                return _now -= 1000;
            _started = true;
            return 0;
        }
    }
}
