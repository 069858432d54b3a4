using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class LogsCommand
{
    private static readonly Argument<string?> s_run = Globals.RunArgument();
    private static readonly Option<bool> s_follow = new("--follow", "-f") { Description = "Go on until the run is over" };
    private static readonly Option<int> s_lines = new("--lines", "-n") { Description = "How many lines from the end", DefaultValueFactory = _ => 100 };

    public static Command Create()
    {
        var command = new Command("logs", "Show what the agent printed") { s_run, s_follow, s_lines };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var folder = Globals.Find(parsed.GetValue(s_run)).Folder;
        var json = parsed.GetValue(Globals.Json);
        if (!parsed.GetValue(s_follow))
        {
            foreach (var line in LogReader.Tail(folder, parsed.GetValue(s_lines))) Print(line, json);
            return 0;
        }

        await foreach (var line in LogReader.FollowAsync(folder, parsed.GetValue(s_lines), ct).ConfigureAwait(false)) Print(line, json);
        return 0;
    }

    // Printed by an agent: on a terminal its control characters are shown, not obeyed.
    private static void Print(LogLine line, bool json)
    {
        if (json) CliJson.PrintLine(line);
        else if (line.Partial) Console.Out.Write(Printable.Line(line.Line));
        else Console.Out.WriteLine(Printable.Line(line.Line));
    }
}
