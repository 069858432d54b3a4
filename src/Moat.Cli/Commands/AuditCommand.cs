using System.CommandLine;
using Moat.Audit;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class AuditCommand
{
    private static readonly Argument<string?> s_run = Globals.RunArgument();
    private static readonly Option<string?> s_export = new("--export", "-e") { Description = "Write the log with its proofs into one file, for `moat audit verify` on any machine", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command("audit", "Show and verify the audit log of a run") { s_run, s_export };
        command.Subcommands.Add(AuditVerifyCommand.Create());
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var run = Globals.Find(parsed.GetValue(s_run));
        var log = run.Folder.AuditPath;
        if (!File.Exists(log)) throw new Spec.MoatException($"{run.State.Id} has no audit log", "the run failed before it began; see: moat list");
        if (parsed.GetValue(s_export) is { } file) return Export(run, log, file);
        var json = parsed.GetValue(Globals.Json);
        var records = AuditReader.Read(log);
        if (json)
        {
            CliJson.Print<IReadOnlyList<AuditRow>>([.. records.Select(record => new AuditRow(record.Seq, record.Time, record.Type, record.Payload, record.Prev))]);
            return 0;
        }

        var listing = new Listing("SEQ", "TIME", "TYPE", "PAYLOAD");
        foreach (var record in records)
            listing.Add(Words.Number(record.Seq), Words.Clock(record.Time), record.Type, parsed.GetValue(Globals.Verbose) ? record.Payload.GetRawText() : Printable.Text(record.Payload.GetRawText(), 100));
        listing.Print("no records yet");
        return AuditVerifyCommand.Report(AuditVerifyCommand.Verify(run.Folder, run.State.Id), json: false, run.State.IsLive);
    }

    private static int Export(RunEntry run, string log, string file)
    {
        // Read first: the log of a run that goes on has at least what its witness saw.
        var witness = run.Folder.ReadWitness();
        using (var output = new FileStream(file, FileMode.Create, FileAccess.Write)) AuditBundle.Export(log, output, witness);
        Console.Error.WriteLine($"wrote {Printable.Text(file)}; verify it anywhere with: moat audit verify {Printable.Text(file)} --key '{AuditKeys.Public(Globals.Directories().DataDirectory)}'");
        if (run.State.IsLive) Console.Error.WriteLine("  the run goes on: what comes later is not in the file");
        return 0;
    }
}
