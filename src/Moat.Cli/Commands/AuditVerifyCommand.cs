using System.CommandLine;
using Moat.Audit;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class AuditVerifyCommand
{
    private static readonly Argument<string> s_file = new("file") { Description = "An exported log, or the audit.jsonl of a run" };
    private static readonly Option<string?> s_key = new("--key") { Description = "Public key of who wrote it (as `--export` prints it), or a file that holds it", HelpName = "KEY" };

    public static Command Create()
    {
        var command = new Command("verify", "Verify an audit log offline; exit code 1 when it was tampered with") { s_file, s_key };
        command.SetAction(parsed => Report(AuditVerifier.Verify(parsed.GetValue(s_file)!, Key(parsed.GetValue(s_key))), parsed.GetValue(Globals.Json), isLive: false));
        return command;
    }

    /// <summary>Prints the verdict.</summary>
    /// <returns>0 when the log is sound, 1 when it was tampered with.</returns>
    public static int Report(VerifyReport report, bool json, bool isLive)
    {
        if (json)
        {
            CliJson.Print(new AuditVerdict(report.IsSound, report.Status.ToString(), report.Kind.ToString(), report.FirstBadSeq, report.Message, report.Records,
                report.Checkpoints, report.ProvenRecords, report.Origin, report.KeyPinned, report.OpenIntents, null));
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

    private static AuditPublicKey? Key(string? text) =>
        text is null ? null : AuditPublicKey.Parse(File.Exists(text) ? File.ReadAllText(text).Trim() : text);
}
