using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class ListCommand
{
    public static Command Create()
    {
        var command = new Command("list", "List the runs, newest first");
        command.Aliases.Add("ls");
        command.SetAction(parsed =>
        {
            IReadOnlyList<RunState> runs = [.. Globals.Store().List().Select(run => run.State)];
            if (parsed.GetValue(Globals.Json))
            {
                CliJson.Print(runs);
                return 0;
            }

            var listing = new Listing("NAME", "RUN ID", "STATE", "EXIT", "AGE", "WORKSPACE", "COMMAND");
            foreach (var run in runs)
                listing.Add(run.Name, run.Id, RunStore.PhaseText(run.State), run.ExitCode is { } code ? Words.Number(code) : "-", Words.Age(run.CreatedAt), run.Workspace, Printable.Text(string.Join(' ', run.Command), 40));
            listing.Print("no runs yet; start one with: moat run -- COMMAND");
            return 0;
        });
        return command;
    }
}
