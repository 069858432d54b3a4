using System.CommandLine;
using System.CommandLine.Help;
using System.Security.Cryptography;
using Moat.Cli.Commands;
using Moat.Spec;

namespace Moat.Cli;

/// <summary>The command line as a whole: parses, runs one command, turns a failure into two lines and an exit code.</summary>
internal static class App
{
    public static async Task<int> RunAsync(string[] args)
    {
        var (words, command) = SplitAtDashes(args);
        // OpenSSL takes milliseconds to load. A run cannot do without it, so it loads while the command line is read.
        if (words is ["run", ..]) _ = Task.Run(() => SHA256.HashData([]));
        var root = Create(command);
        var parsed = root.Parse(words);
        try
        {
            if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
                throw new MoatException(Runs.Printable.Text(parsed.Errors[0].Message), $"see: {CommandPath(parsed)} --help");
            // Signals and failures are this program's own business: a signal belongs to the agent, a failure has a mend.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
        }
        catch (MoatException e)
        {
            return Report(e, parsed.GetValue(Globals.Verbose));
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Report(new MoatException(e.Message, "check the path, its owner and the free space", inner: e), parsed.GetValue(Globals.Verbose));
        }
    }

    internal static RootCommand Create(IReadOnlyList<string>? command = null)
    {
        var root = new RootCommand("Runs AI coding agents in a sandbox that holds no secret, has one way out, and leaves a log that proves what happened.");
        root.Options.Add(Globals.Json);
        root.Options.Add(Globals.Profile);
        root.Options.Add(Globals.Verbose);
        root.Subcommands.Add(RunCommand.Create(command));
        root.Subcommands.Add(GrantCommand.Create());
        root.Subcommands.Add(RevokeCommand.Create());
        root.Subcommands.Add(ImportCommand.Create());
        root.Subcommands.Add(ListCommand.Create());
        root.Subcommands.Add(LogsCommand.Create());
        root.Subcommands.Add(TraceCommand.Create());
        root.Subcommands.Add(AuditCommand.Create());
        root.Subcommands.Add(StopCommand.Create());
        root.Subcommands.Add(DestroyCommand.Create());
        root.Subcommands.Add(CleanCommand.Create());
        root.Subcommands.Add(StatusCommand.Create());
        root.Subcommands.Add(DoctorCommand.Create());
        root.Subcommands.Add(InitCommand.Create());
        root.Subcommands.Add(TrustCommand.Create());
        root.Subcommands.Add(PolicyCommand.Create());
        root.Subcommands.Add(McpCommand.Create());
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(CompletionCommand.Create());
        root.Subcommands.Add(VersionCommand.Create());
        return root;
    }

    // What follows the first -- is the agent's command line and none of ours.
    internal static (string[] Words, string[]? Command) SplitAtDashes(string[] args)
    {
        var at = Array.IndexOf(args, "--");
        return at < 0 ? (args, null) : (args[..at], args[(at + 1)..]);
    }

    private static int Report(MoatException e, bool verbose)
    {
        // Paths, keys and values in it may be of an agent's making.
        Console.Error.WriteLine("moat: " + Runs.Printable.Lines(e.Message));
        if (e.Mend.Length > 0) Console.Error.WriteLine("  " + Runs.Printable.Lines(e.Mend));
        if (verbose && e.InnerException is { } inner) Console.Error.WriteLine($"  cause: {inner.GetType().Name}: {Runs.Printable.Text(inner.Message)}");
        return e.ExitCode;
    }

    private static string CommandPath(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "moat" : "moat " + parsed.CommandResult.Command.Name;
}
