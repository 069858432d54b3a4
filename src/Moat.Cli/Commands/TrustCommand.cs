using System.CommandLine;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class TrustCommand
{
    private static readonly Argument<string?> s_path = new("path") { Description = "The workspace; without it the current folder", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> s_yes = new("--yes", "-y") { Description = "Do not ask" };
    private static readonly Option<bool> s_list = new("--list") { Description = "List what is trusted" };
    private static readonly Option<bool> s_revoke = new("--revoke") { Description = "Forget every approval of the workspace" };

    public static Command Create()
    {
        var command = new Command("trust", "Approve the configuration of a workspace, as it is now") { s_path, s_yes, s_list, s_revoke };
        command.SetAction(Run);
        return command;
    }

    /// <summary>Tells the person what a configuration may do.</summary>
    public static void Show(LoadedConfiguration file)
    {
        Console.Error.WriteLine($"{Printable.Text(file.Path)} asks for:");
        foreach (var line in TrustSummary.Of(file.Configuration)) Console.Error.WriteLine("  " + Printable.Text(line));
    }

    private static int Run(ParseResult parsed)
    {
        var directories = Globals.Directories();
        var store = new TrustStore(directories.DataDirectory);
        if (parsed.GetValue(s_list)) return List(parsed, store);
        var workspace = WorkspaceCheck.Of(parsed.GetValue(s_path) ?? ".", directories).HostPath;
        if (parsed.GetValue(s_revoke))
        {
            Console.Out.WriteLine(store.Revoke(workspace) ? $"{Printable.Text(workspace)} is not trusted any more" : $"{Printable.Text(workspace)} was not trusted");
            return 0;
        }

        var file = ConfigurationLoader.Load(workspace) ?? throw new MoatException($"{Printable.Text(workspace)} has no moat.yaml", "there is nothing to trust; write one with: moat init");
        Show(file);
        if (!parsed.GetValue(s_yes) && !(Ask.IsPossible && Ask.Confirm("Trust this configuration?")))
            throw new MoatException("nothing was trusted", "to trust without a question: moat trust --yes");
        store.Trust(file, workspace);
        Console.Out.WriteLine($"trusted {Printable.Text(file.Path)} as it is now; a change has to be approved again");
        return 0;
    }

    private static int List(ParseResult parsed, TrustStore store)
    {
        IReadOnlyList<TrustEntry> entries = store.List();
        if (parsed.GetValue(Globals.Json))
        {
            CliJson.Print(entries);
            return 0;
        }

        var listing = new Listing("WORKSPACE", "TRUSTED", "DIGEST");
        foreach (var entry in entries) listing.Add(entry.Workspace, Words.Day(entry.At), entry.Digest);
        listing.Print("nothing is trusted yet");
        return 0;
    }
}
