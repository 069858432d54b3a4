using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class CleanCommand
{
    private static readonly Option<bool> s_force = new("--force", "-f") { Description = "Do not ask" };
    private static readonly Option<bool> s_dryRun = new("--dry-run") { Description = "Only say what would go" };

    public static Command Create()
    {
        var command = new Command("clean", "Remove all runs that are over") { s_force, s_dryRun };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var over = Globals.Store().List().Where(run => !run.State.IsLive).ToArray();
        var bytes = over.Sum(run => Folders.Size(run.Folder.Root));
        var dryRun = parsed.GetValue(s_dryRun);
        if (!dryRun && over.Length > 0)
        {
            if (!parsed.GetValue(s_force) && !(Ask.IsPossible && Ask.Confirm($"Remove {over.Length} runs with their logs and audit logs ({Words.Bytes(bytes)})?")))
                throw new MoatException("nothing was removed", "to remove without a question: moat clean -f");
            foreach (var run in over) RunStore.Remove(run);
        }

        if (parsed.GetValue(Globals.Json)) CliJson.Print(new CleanReport([.. over.Select(run => run.State.Id)], bytes, dryRun));
        else if (over.Length == 0) Console.Out.WriteLine("nothing to remove");
        else Console.Out.WriteLine($"{(dryRun ? "would remove" : "removed")} {over.Length} runs, {Words.Bytes(bytes)}");
        return 0;
    }
}
