using System.CommandLine;
using Moat.Policy;

namespace Moat.Cli.Commands;

internal static class PolicyCommand
{
    public static Command Create()
    {
        var command = new Command("policy", "Check, format, explain, test, compare and suggest Cedar policies");
        command.Subcommands.Add(PolicyCheckCommand.Create());
        command.Subcommands.Add(PolicyDiffCommand.Create());
        command.Subcommands.Add(PolicyExplainCommand.Create());
        command.Subcommands.Add(PolicyFmtCommand.Create());
        command.Subcommands.Add(PolicyImportCommand.Create());
        command.Subcommands.Add(PolicySuggestCommand.Create());
        command.Subcommands.Add(PolicyTestCommand.Create());
        command.Subcommands.Add(Schema());
        return command;
    }

    private static Command Schema()
    {
        var command = new Command("schema", "Print the schema that policies are checked against");
        command.SetAction(static _ =>
        {
            Console.Out.Write(PolicyVocabulary.SchemaText);
            return 0;
        });
        return command;
    }
}
