using System.Diagnostics;
using System.Globalization;

namespace Moat.Audit.Tests;

public class AuditLogTests
{
    [Fact]
    public async Task T91_an_intent_is_in_the_file_when_its_append_completes()
    {
        using var test = new TestLog();
        await using var log = AuditLog.Create(test.Path, test.Options);
        var seq = await log.AppendIntentAsync(AuditTypes.RequestIntent, AuditPayload.Create().Add("host", "a.example"), TestContext.Current.CancellationToken);
        Assert.Equal(seq, Assert.Single(AuditReader.Read(test.Path)).Seq);
    }

    [Theory]
    [InlineData(AuditDurability.Process)]
    [InlineData(AuditDurability.Disk)]
    public async Task Many_writers_share_one_unbroken_chain(AuditDurability durability)
    {
        using var test = new TestLog();
        await using (var log = AuditLog.Create(test.Path, test.Options with { Durability = durability, CheckpointRecords = 100 }))
        {
            await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < 50; i++)
                {
                    var intent = await log.AppendIntentAsync(AuditTypes.RequestIntent, AuditPayload.Create().Add("i", i));
                    log.Append(AuditTypes.RequestOutcome, AuditPayload.Create().Add("intent", intent));
                }
            })));
            await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
            Assert.Throws<AuditUnavailableException>(() => log.Append(AuditTypes.DnsQuery, AuditPayload.Create()));
        }
        var report = test.Verify();
        Assert.Equal((VerifyStatus.Sealed, 1601), (report.Status, report.Records));
        Assert.Empty(report.OpenIntents);
        Assert.Empty(report.OrphanOutcomes);
    }

    [Fact]
    public async Task T91_an_intent_without_outcome_is_told()
    {
        using var test = new TestLog();
        await using (var log = AuditLog.Create(test.Path, test.Options))
            await log.AppendIntentAsync(AuditTypes.ExecIntent, AuditPayload.Create(), TestContext.Current.CancellationToken);
        Assert.Equal([0], test.Verify().OpenIntents);
    }

    [Fact]
    public async Task T90_a_second_writer_on_the_same_file_is_refused()
    {
        using var test = new TestLog();
        await using var log = AuditLog.Create(test.Path, test.Options);
        Assert.Throws<IOException>(() => AuditLog.Create(test.Path, test.Options));
    }

    [Fact]
    public async Task What_the_log_accepts_the_verifier_accepts()
    {
        using var test = new TestLog();
        var deep = AuditPayload.Create().Add("leaf", (IReadOnlyList<string>)["x"]);
        for (var i = 1; i < 30; i++)
            deep = AuditPayload.Create().Add("in", deep);
        await using (var log = AuditLog.Create(test.Path, test.Options))
        {
            log.Append(new string('\u0001', 128), deep);
            log.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("name", new string('x', 1_000_000)));
            Assert.Throws<ArgumentException>(() => log.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("name", new string('\0', 200_000))));
            Assert.Throws<ArgumentException>(() => log.Append("fake.sealed", AuditPayload.Create()));
            await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        }
        Assert.Equal((VerifyStatus.Sealed, 3), (test.Verify().Status, test.Verify().Records));
    }

    [Fact]
    public async Task A_seal_whose_signature_was_taken_away_is_not_sealed()
    {
        using var test = await new TestLog().WriteAsync(5);
        File.WriteAllText(LogFiles.CheckpointsOf(test.Path), "");
        var report = test.Verify();
        Assert.Equal((VerifyStatus.CleanCrash, 0), (report.Status, report.ProvenRecords));
        Assert.Contains("the seal's signature is missing", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T94_a_clock_step_back_is_told_and_is_no_tampering()
    {
        using var test = new TestLog();
        var clock = new SteppingClock();
        await test.WriteAsync(5, options: test.Options with { Clock = clock });
        var report = test.Verify();
        Assert.Equal(VerifyStatus.Sealed, report.Status);
        Assert.Equal(4, report.ClockSteps);
    }

    [Fact]
    public async Task T94_a_wall_clock_that_is_set_back_in_the_middle_of_a_run_leaves_a_log_that_verifies_and_says_so()
    {
        using var test = new TestLog();
        var clock = new SetClock();
        await using (var log = AuditLog.Create(test.Path, test.Options with { Clock = clock }))
        {
            var intent = await log.AppendIntentAsync(AuditTypes.StartIntent, AuditPayload.Create(), TestContext.Current.CancellationToken);
            log.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("name", "before.example"));
            // Somebody sets the clock back by a day, and another time zone changes nothing.
            clock.Wall -= TimeSpan.FromDays(1);
            log.Append(AuditTypes.DnsQuery, AuditPayload.Create().Add("name", "after.example"));
            clock.Wall = clock.Wall.ToOffset(TimeSpan.FromHours(9));
            log.Append(AuditTypes.StartOutcome, AuditPayload.Create().Add("intent", intent));
            await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        }

        var report = test.Verify(File.ReadAllText(test.WitnessPath));
        Assert.Equal((VerifyStatus.Sealed, 1, 5), (report.Status, report.ClockSteps, report.ProvenRecords));
        Assert.Contains("The wall clock stepped back 1 time", report.Message, StringComparison.Ordinal);
        Assert.Empty(report.OpenIntents);
        var records = AuditReader.Read(test.Path).ToArray();
        Assert.True(records[2].Time < records[1].Time);
        Assert.All(records.Zip(records.Skip(1)), pair => Assert.True(pair.First.MonotonicNanoseconds <= pair.Second.MonotonicNanoseconds));
        Assert.All(test.Lines(), line => Assert.Matches("\"time\":\"[0-9T:.-]+Z\"", line));
    }

    [Fact]
    public async Task Follow_gives_what_comes_until_the_seal()
    {
        using var test = new TestLog();
        await using var log = AuditLog.Create(test.Path, test.Options);
        await log.AppendIntentAsync(AuditTypes.StartIntent, AuditPayload.Create(), TestContext.Current.CancellationToken);
        var types = new List<string>();
        await foreach (var record in AuditReader.FollowAsync(test.Path, TestContext.Current.CancellationToken))
        {
            types.Add(record.Type);
            if (types.Count == 1)
                await log.SealAsync(AuditTypes.RunSealed, AuditPayload.Create());
        }
        Assert.Equal([AuditTypes.StartIntent, AuditTypes.RunSealed], types);
    }

    [Fact]
    public async Task T91_kill_9_at_any_moment_loses_no_acknowledged_intent()
    {
        var random = new Random(7);
        for (var round = 0; round < 20; round++)
        {
            using var test = new TestLog();
            using var child = Start(Environment.ProcessPath!, [], test.Path);
            long acked = -1;
            for (var n = random.Next(1, 3000); n > 0; n--)
                acked = long.Parse((await child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!, CultureInfo.InvariantCulture);
            child.Kill();
            // What was printed before the kill counts too; a torn last line does not.
            var rest = (await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n')[..^1];
            if (rest.Length > 0)
                acked = long.Parse(rest[^1], CultureInfo.InvariantCulture);
            await child.WaitForExitAsync(TestContext.Current.CancellationToken);
            var report = AuditVerifier.Verify(test.Path);
            Assert.Equal(VerifyStatus.CleanCrash, report.Status);
            Assert.InRange(acked, 0, report.Records - 1);
        }
    }

    [Fact]
    public async Task T76_a_file_that_cannot_grow_fails_closed_and_leaves_whole_lines()
    {
        using var test = new TestLog();
        // SIGXFSZ is ignored so that the write fails with EFBIG, as a full disk fails with ENOSPC.
        using var child = Start("/bin/bash", ["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\"", Environment.ProcessPath!], test.Path);
        var output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("closed 1", lines[^1]);
        var report = AuditVerifier.Verify(test.Path);
        Assert.Equal(VerifyStatus.CleanCrash, report.Status);
        Assert.False(report.TornTail);
        Assert.Equal(long.Parse(lines[^2], CultureInfo.InvariantCulture) + 1, report.Records);
    }

    [Fact]
    public async Task T76_a_full_disk_fails_closed()
    {
        // A real ENOSPC needs a mount; an ordinary user gets one in a user namespace of its own.
        using var test = new TestLog();
        var disk = Path.Combine(test.Folder, "disk");
        Directory.CreateDirectory(disk);
        const string script = "mount -t tmpfs -o size=256k none \"$1\" && \"$0\" && cp \"$1\"/* \"$2\"";
        var unshare = Environment.IsPrivilegedProcess ? "-m" : "-Urm";
        using var child = Start("/usr/bin/unshare", [unshare, "/bin/bash", "-c", script, Environment.ProcessPath!, disk, test.Folder], Path.Combine(disk, "audit"));
        var output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith("closed 1\n", output, StringComparison.Ordinal);
        var report = AuditVerifier.Verify(test.Path);
        Assert.Equal(VerifyStatus.CleanCrash, report.Status);
        Assert.False(report.TornTail);
        Assert.True(report.Records > 100);
    }

    private static Process Start(string program, string[] arguments, string log)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        start.Environment[ChildWriter.Variable] = log;
        // The runtime maps its code from a large memory file, which a file size limit would forbid.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        return Process.Start(start)!;
    }

    /// <summary>A wall that stands until it is set; the monotonic clock goes on.</summary>
    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Wall { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Wall;
    }

    private sealed class SteppingClock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddYears(50);

        public override DateTimeOffset GetUtcNow() => _now = _now.AddHours(-1);
    }
}
