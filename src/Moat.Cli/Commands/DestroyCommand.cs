using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class DestroyCommand
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);
    private static readonly Argument<string[]> s_runs = Globals.RunArguments();
    private static readonly Option<bool> s_force = new("--force", "-f") { Description = "Do not ask; end a running run first" };

    public static Command Create()
    {
        var command = new Command("destroy", "Remove runs with their logs and audit logs") { s_runs, s_force };
        command.SetAction(async (parsed, ct) =>
        {
            foreach (var argument in parsed.GetValue(s_runs)!)
            {
                var run = Globals.Find(argument);
                var what = run.State.IsLive ? $"{run.State.Id} is running. End it and remove it with its logs?" : $"Remove {run.State.Id} with its logs?";
                if (!parsed.GetValue(s_force) && !(Ask.IsPossible && Ask.Confirm(what)))
                    throw new MoatException($"{run.State.Id} was kept", $"to remove it without a question: moat destroy -f {run.State.Id}");
                await RunControl.DestroyAsync(run, s_grace, ct).ConfigureAwait(false);
                Console.Out.WriteLine($"removed {run.State.Id}");
            }

            return 0;
        });
        return command;
    }
}
