using System.CommandLine;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class StopCommand
{
    private static readonly Argument<string[]> s_runs = Globals.RunArguments();
    private static readonly Option<int> s_grace = new("--grace") { Description = "Seconds between SIGTERM and SIGKILL", DefaultValueFactory = _ => 10, HelpName = "SECONDS" };

    public static Command Create()
    {
        var command = new Command("stop", "End running runs") { s_runs, s_grace };
        command.SetAction(async (parsed, ct) =>
        {
            foreach (var argument in parsed.GetValue(s_runs)!)
            {
                var run = Globals.Find(argument);
                await RunControl.StopAsync(run, TimeSpan.FromSeconds(parsed.GetValue(s_grace)), ct).ConfigureAwait(false);
                Console.Out.WriteLine($"stopped {run.State.Id}");
            }

            return 0;
        });
        return command;
    }
}
