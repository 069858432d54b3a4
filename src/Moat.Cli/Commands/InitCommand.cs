using System.CommandLine;
using Moat.Configuration;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class InitCommand
{
    private static readonly Argument<string?> s_path = new("path") { Description = "The workspace; without it the current folder", Arity = ArgumentArity.ZeroOrOne };

    public static Command Create()
    {
        var command = new Command("init", "Write a commented moat.yaml") { s_path };
        command.SetAction(parsed =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(s_path) ?? ".");
            if (!Directory.Exists(folder)) throw new MoatException($"there is no folder {Printable.Text(folder)}", "make it first, or name another");
            var file = Path.Combine(folder, "moat.yaml");
            if (File.Exists(file)) throw new MoatException($"{Printable.Text(file)} is there already", "edit it, or remove it first");
            using (var writer = new StreamWriter(new FileStream(file, FileMode.CreateNew, FileAccess.Write))) writer.Write(ConfigTemplate.Render(RunNames.FolderStem(folder)));
            Console.Out.WriteLine($"wrote {Printable.Text(file)}; look through it, then: moat trust && moat run -- COMMAND");
            return 0;
        });
        return command;
    }
}
