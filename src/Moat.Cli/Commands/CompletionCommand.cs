using System.CommandLine;

namespace Moat.Cli.Commands;

/// <summary>Prints a script that asks this program for completions (its <c>[suggest]</c> directive).</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # moat: completion for bash. Use: source <(moat completion bash)
        _moat() {
            local IFS=$'\n'
            COMPREPLY=($(moat "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null | grep -F -- "${COMP_WORDS[COMP_CWORD]}" | grep "^${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _moat moat
        """;

    private const string Zsh = """
        #compdef moat
        # moat: completion for zsh. Use: source <(moat completion zsh)
        _moat() {
            local -a found
            found=("${(@f)$(moat "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            compadd -a found || _files
        }
        compdef _moat moat
        """;

    private const string Fish = """
        # moat: completion for fish. Use: moat completion fish | source
        complete -c moat -a '(moat "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
        """;

    public static Command Create()
    {
        var command = new Command("completion", "Print a completion script for a shell");
        foreach (var (shell, script) in (IEnumerable<(string, string)>)[("bash", Bash), ("zsh", Zsh), ("fish", Fish)])
        {
            var one = new Command(shell, $"Completion for {shell}");
            one.SetAction(_ => Console.Out.WriteLine(script));
            command.Subcommands.Add(one);
        }

        return command;
    }
}
