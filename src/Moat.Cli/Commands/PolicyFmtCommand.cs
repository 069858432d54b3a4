using System.CommandLine;
using Moat.Cedar;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class PolicyFmtCommand
{
    private static readonly Argument<string> s_file = new("file") { Description = "A Cedar policy" };
    private static readonly Option<bool> s_check = new("--check") { Description = "Print nothing; exit code 1 when the file is laid out otherwise" };
    private static readonly Option<bool> s_write = new("--write") { Description = "Write the layout into the file" };

    public static Command Create()
    {
        var command = new Command("fmt", "Lay out a policy; its comments stay") { s_file, s_check, s_write };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var path = parsed.GetValue(s_file)!;
        var text = Configuration.PolicyFiles.Read(path);
        var formatted = Format(text, Path.GetFileName(path));
        if (parsed.GetValue(s_check)) return formatted == text ? 0 : 1;
        if (!parsed.GetValue(s_write)) Console.Out.Write(formatted);
        else if (formatted != text) File.WriteAllText(path, formatted);
        return 0;
    }

    private static string Format(string text, string name)
    {
        try
        {
            return PolicyFormatter.Format(new SourceText(text, name));
        }
        catch (CedarException e)
        {
            throw new MoatException(string.Join("\n", e.Diagnostics), "mend it, then format");
        }
    }
}
