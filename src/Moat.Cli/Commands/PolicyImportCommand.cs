using System.CommandLine;
using Moat.Cedar;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Policy;
using Moat.Spec;
using Printable = Moat.Runs.Printable;

namespace Moat.Cli.Commands;

internal static class PolicyImportCommand
{
    private static readonly Argument<string> s_file = new("file") { Description = "A policy that Leash was used with" };

    private static readonly Option<bool> s_explain = new("--explain") { Description = "Show instead, statement by statement, what Leash made of it otherwise than it says" };

    public static Command Create()
    {
        var command = new Command("import", "Print a policy of Leash's in Moat's spelling") { s_file, s_explain };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var path = parsed.GetValue(s_file)!;
        var (name, text) = (Path.GetFileName(path), PolicyFiles.Read(path));
        var file = PolicyFile.Read(text, name);
        if (file.Notes.FirstOrDefault(static n => n.Code is "syntax") is { } broken)
            throw new MoatException(PolicyCheckCommand.Line(file, broken), "mend it; Leash does not read it either");
        if (parsed.GetValue(s_explain)) return Explain(LeashReading.Compare(text, name), file, parsed.GetValue(Globals.Json));
        if (!file.IsValid) throw new MoatException($"{Printable.Text(name)} has statements that mean nothing in Cedar", $"see: moat policy check {Printable.Text(path)}");
        Console.Out.Write(PolicyFormatter.Format(new SourceText(string.Join("\n\n", file.Policies.Policies.Select(PolicyText.Write)))));
        return 0;
    }

    private static int Explain(IReadOnlyList<PolicyNote> notes, PolicyFile file, bool json)
    {
        if (json)
        {
            CliJson.Print(notes);
            return 0;
        }

        foreach (var note in notes) Console.Out.WriteLine(Printable.Text(PolicyCheckCommand.Line(file, note)));
        if (notes.Count == 0) Console.Out.WriteLine("Leash read every statement as it stands");
        return 0;
    }
}
