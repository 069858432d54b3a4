using System.CommandLine;
using Moat.Cli.Demo;

namespace Moat.Cli.Commands;

internal static class DemoCommand
{
    public static Command Create()
    {
        var command = new Command("demo", "Show the whole job on this machine: no account, no internet");
        command.SetAction((_, ct) => DemoStory.TellAsync(ct));
        return command;
    }
}
