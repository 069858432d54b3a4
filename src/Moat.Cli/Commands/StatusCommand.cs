using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "Show what runs, what is kept and where");
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var directories = Globals.Directories();
        var runs = Globals.Store().List();
        using var vault = Vault.Open(directories.DataDirectory, Globals.ProfileOf(parsed));
        var report = new StatusReport(VersionCommand.Version, [.. runs.Where(run => run.State.IsLive).Select(run => run.State)], runs.Count,
            runs.Count(run => run.State.State == RunPhase.Interrupted), vault.List().Length, Folders.Size(directories.StateDirectory),
            directories.ConfigDirectory, directories.DataDirectory, directories.StateDirectory);
        if (parsed.GetValue(Globals.Json))
        {
            CliJson.Print(report);
            return 0;
        }

        var listing = new Listing("WHAT", "VALUE");
        listing.Add("version", report.Version);
        listing.Add("running", report.ActiveRuns.Count == 0 ? "nothing" : string.Join(", ", report.ActiveRuns.Select(run => $"{run.Name} ({run.Id})")));
        listing.Add("runs kept", Words.Number(report.Runs) + (report.Interrupted > 0 ? $", {report.Interrupted} interrupted" : ""));
        listing.Add("grants", Words.Number(report.Grants));
        listing.Add("state on disk", Words.Bytes(report.StateBytes));
        listing.Add("configuration", report.ConfigDirectory);
        listing.Add("credentials", report.DataDirectory);
        listing.Add("runs", report.StateDirectory);
        listing.Print("");
        return 0;
    }
}
