using System.CommandLine;
using Moat.Cli.Output;
using Moat.Credentials;

namespace Moat.Cli.Commands;

/// <summary><c>moat import moat</c>: takes over what another tool keeps.</summary>
internal static class ImportCommand
{
    private static readonly Option<string?> s_from = new("--from") { Description = "Folder of the other installation; without it ~/.moat", HelpName = "FOLDER" };
    private static readonly Option<bool> s_dryRun = new("--dry-run") { Description = "Say what would be taken and write nothing" };

    public static Command Create()
    {
        var moat = new Command("moat", "Take the credentials and provider files of majorcontext/moat over") { s_from, s_dryRun };
        moat.SetAction(Run);
        var command = new Command("import", "Take over what another tool keeps");
        command.Subcommands.Add(moat);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var directories = Globals.Directories();
        var folder = parsed.GetValue(s_from) ?? Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/nonexistent", ".moat");
        IReadOnlyList<ImportedItem> items = new MoatImport(directories.DataDirectory, Path.Combine(directories.ConfigDirectory, "providers")).Run(Path.GetFullPath(folder), parsed.GetValue(s_dryRun));
        if (parsed.GetValue(Globals.Json))
        {
            CliJson.Print(items);
            return 0;
        }

        var listing = new Listing("KIND", "NAME", "PROFILE", "TAKEN", "");
        foreach (var item in items) listing.Add(item.Kind, item.Name, item.Profile, item.IsTaken ? "yes" : "no", item.Note);
        listing.Print("there is nothing to take");
        return 0;
    }
}
