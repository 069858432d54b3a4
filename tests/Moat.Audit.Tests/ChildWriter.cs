using System.Globalization;
using System.Runtime.CompilerServices;

namespace Moat.Audit.Tests;

/// <summary>The test program started again as a writer: it prints each acknowledged intent until it is killed or the log fails.</summary>
internal static class ChildWriter
{
    public const string Variable = "MOAT_AUDIT_TEST_CHILD";

    // Before xunit's own entry point runs.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } path)
            return;
        using var key = AuditKey.Generate();
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var log = AuditLog.Create(path, new AuditOptions { Origin = TestLog.Origin, Key = key, CheckpointRecords = 64, CheckpointInterval = TimeSpan.FromMilliseconds(20) });
        var failures = 0;
        log.Failed += _ => Interlocked.Increment(ref failures);
        try
        {
            while (true)
            {
                var intent = log.AppendIntentAsync(AuditTypes.RequestIntent, AuditPayload.Create().Add("host", "a.example"));
                output.Write(intent.AsTask().GetAwaiter().GetResult().ToString(CultureInfo.InvariantCulture) + "\n");
            }
        }
        catch (AuditUnavailableException)
        {
            try
            {
                log.Append(AuditTypes.DnsQuery, AuditPayload.Create());
            }
            catch (AuditUnavailableException) when (log.Failure is not null)
            {
                log.DisposeAsync().AsTask().GetAwaiter().GetResult();
                output.Write($"closed {failures}\n");
            }
        }
        output.Flush();
        Environment.Exit(0);
    }
}
