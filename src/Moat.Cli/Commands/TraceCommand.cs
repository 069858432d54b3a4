using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class TraceCommand
{
    private static readonly Argument<string?> s_run = Globals.RunArgument();
    private static readonly Option<bool> s_network = new("--network") { Description = "Requests, refused connections and names; the default" };
    private static readonly Option<bool> s_mcp = new("--mcp") { Description = "Messages to MCP servers: tool, decision, names and sizes of arguments" };
    private static readonly Option<bool> s_follow = new("--follow", "-f") { Description = "Go on until the run is over" };

    public static Command Create()
    {
        var command = new Command("trace", "Show what the run did on the network, from its audit log") { s_run, s_network, s_mcp, s_follow };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var run = Globals.Find(parsed.GetValue(s_run));
        var (json, verbose) = (parsed.GetValue(Globals.Json), parsed.GetValue(Globals.Verbose));
        if (parsed.GetValue(s_mcp)) return await McpAsync(run.Folder, parsed.GetValue(s_follow), json, ct).ConfigureAwait(false);
        if (parsed.GetValue(s_follow))
        {
            await foreach (var entry in NetworkTrace.FollowAsync(run.Folder, ct).ConfigureAwait(false))
            {
                if (json) CliJson.PrintLine(entry);
                else Console.Out.WriteLine(TraceText.Line(entry, verbose));
            }

            return 0;
        }

        var entries = NetworkTrace.Read(run.Folder);
        if (json) CliJson.Print(entries);
        else TraceText.Print(entries, verbose);
        return 0;
    }

    private static async Task<int> McpAsync(RunFolder folder, bool follow, bool json, CancellationToken ct)
    {
        if (follow)
        {
            await foreach (var entry in McpTrace.FollowAsync(folder, ct).ConfigureAwait(false))
            {
                if (json) CliJson.PrintLine(entry);
                else Console.Out.WriteLine(McpText.Line(entry));
            }

            return 0;
        }

        var entries = McpTrace.Read(folder);
        if (json) CliJson.Print(entries);
        else McpText.Print(entries);
        return 0;
    }
}
