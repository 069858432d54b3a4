using System.CommandLine;
using Moat.Audit;
using Moat.Cli.Output;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class AuditVerifyCommand
{
    private static readonly Argument<string> s_log = new("run-or-file") { Description = "A run of this machine, an exported log, or the audit.jsonl of a run", HelpName = "RUN|FILE" };
    private static readonly Option<string?> s_key = new("--key") { Description = "Public key of who wrote it (as `--export` prints it), or a file that holds it", HelpName = "KEY" };
    private static readonly Option<string?> s_witness = new("--witness") { Description = "A later checkpoint of the log that was kept apart; for a run of this machine its own is used", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command("verify", "Verify an audit log offline; exit code 1 when it was tampered with") { s_log, s_key, s_witness };
        command.SetAction(Run);
        return command;
    }

    /// <summary>Verifies the log of a run of this machine with what this machine knows of it.</summary>
    public static VerifyReport Verify(RunFolder run, string id, string? witness = null, AuditPublicKey? key = null) =>
        AuditVerifier.Verify(run.AuditPath, key ?? AuditKeys.Public(Globals.Directories().DataDirectory), witness ?? run.ReadWitness(), AuditKeys.OriginOf(id));

    /// <summary>Prints the verdict.</summary>
    /// <returns>0 when the log is sound, 1 when it was tampered with.</returns>
    public static int Report(VerifyReport report, bool json, bool isLive)
    {
        if (json)
        {
            CliJson.Print(new AuditVerdict(report.IsSound, report.Status, report.Kind, report.FirstBadSeq, report.Message, report.Records,
                report.Checkpoints, report.ProvenRecords, report.WitnessedRecords, report.Origin, report.KeyPinned, report.OpenIntents));
        }
        else
        {
            Console.Out.WriteLine(Printable.Text(isLive && report.Status == VerifyStatus.CleanCrash ? "The run goes on; the log is sound so far." : report.Message));
            Console.Out.WriteLine($"  {report.Records} records, {report.Checkpoints} signed checkpoints, {report.ProvenRecords} records proven{(report.KeyPinned ? "" : "; by the key that came with the log: pin the writer's with --key")}");
            if (report.OpenIntents.Count > 0 && !isLive)
                Console.Out.WriteLine($"  intents without an outcome: {string.Join(", ", report.OpenIntents.Take(20))}; their effect may or may not have happened");
        }

        return report.IsSound ? 0 : 1;
    }

    private static int Run(ParseResult parsed)
    {
        var log = parsed.GetValue(s_log)!;
        var key = parsed.GetValue(s_key) is { } text ? AuditPublicKey.Parse(File.Exists(text) ? File.ReadAllText(text).Trim() : text) : null;
        var witness = parsed.GetValue(s_witness) is { } file ? File.ReadAllText(file) : null;
        var json = parsed.GetValue(Globals.Json);
        if (!File.Exists(log))
        {
            var run = Find(log);
            return Report(Verify(run.Folder, run.State.Id, witness, key), json, run.State.IsLive);
        }

        var store = Globals.Store();
        var folder = Path.GetDirectoryName(Path.GetFullPath(log))!;
        var id = Path.GetFileName(folder);
        if (store.FolderOf(id).AuditPath == Path.GetFullPath(log)) return Report(Verify(store.FolderOf(id), id, witness, key), json, isLive: false);
        return Report(AuditVerifier.Verify(log, key, witness), json, isLive: false);
    }

    private static RunEntry Find(string log)
    {
        if (log.Contains('/', StringComparison.Ordinal)) throw new MoatException($"there is no file {Printable.Text(log)}", "give an exported log, or a run of this machine (moat list)");
        return Globals.Store().Resolve(log);
    }
}
