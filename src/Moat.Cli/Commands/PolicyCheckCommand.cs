using System.CommandLine;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Policy;
using Printable = Moat.Runs.Printable;

namespace Moat.Cli.Commands;

internal static class PolicyCheckCommand
{
    private static readonly Argument<string> s_file = new("file") { Description = "A Cedar policy" };

    public static Command Create()
    {
        var command = new Command("check", "Find what is wrong with a policy; exit code 1 when it cannot be enforced as it stands") { s_file };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var path = parsed.GetValue(s_file)!;
        var file = PolicyFile.Read(PolicyFiles.Read(path), Path.GetFileName(path));
        if (parsed.GetValue(Globals.Json)) CliJson.Print<IReadOnlyList<PolicyNote>>(file.Notes);
        else Show(file);
        return file.Notes.Any(static note => note.Level == PolicyNoteLevel.Error) ? 1 : 0;
    }

    private static void Show(PolicyFile file)
    {
        foreach (var note in file.Notes)
        {
            Console.Out.WriteLine(Printable.Text(Line(file, note)));
            if (note.Help.Length > 0) Console.Out.WriteLine("  " + Printable.Text(note.Help));
        }

        if (file.IsValid) Console.Out.WriteLine(file.Policies.Policies.Length == 1 ? "1 statement" : $"{file.Policies.Policies.Length} statements");
    }

    /// <summary><c>file.cedar:3:1: error: what is wrong [code]</c>.</summary>
    public static string Line(PolicyFile file, PolicyNote note) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{file.Name}:{note.Line}:{note.Column}: {Word(note.Level)}: {note.Message} [{note.Code}]");

    private static string Word(PolicyNoteLevel level) => level switch
    {
        PolicyNoteLevel.Error => "error",
        PolicyNoteLevel.Warning => "warning",
        _ => "note",
    };
}
