using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class TraceCommand
{
    private static readonly Argument<string?> s_run = Globals.RunArgument();
    private static readonly Option<bool> s_network = new("--network") { Description = "Requests, refused connections and names; the default" };
    private static readonly Option<bool> s_exec = new("--exec") { Description = "Programs that were run, as seen at the call's entry" };
    private static readonly Option<bool> s_mcp = new("--mcp") { Description = "Messages to MCP servers: tool, decision, names and sizes of arguments" };
    private static readonly Option<bool> s_follow = new("--follow", "-f") { Description = "Go on until the run is over" };

    public static Command Create()
    {
        var command = new Command("trace", "Show what the run did, from its audit log") { s_run, s_network, s_exec, s_mcp, s_follow };
        command.Validators.Add(result =>
        {
            Option<bool>[] asked = [.. new[] { s_network, s_exec, s_mcp }.Where(option => result.GetValue(option))];
            if (asked.Length > 1) result.AddError($"{asked[0].Name} and {asked[1].Name} are two listings: ask for one");
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var folder = Globals.Find(parsed.GetValue(s_run)).Folder;
        var verbose = parsed.GetValue(Globals.Verbose);
        if (parsed.GetValue(s_exec))
            return ShowAsync(parsed, () => ExecTrace.Read(folder), () => ExecTrace.FollowAsync(folder, ct), entries => ExecText.Print(entries, verbose), entry => ExecText.Line(entry, verbose));
        if (parsed.GetValue(s_mcp))
            return ShowAsync(parsed, () => McpTrace.Read(folder), () => McpTrace.FollowAsync(folder, ct), McpText.Print, McpText.Line);
        return ShowAsync(parsed, () => NetworkTrace.Read(folder), () => NetworkTrace.FollowAsync(folder, ct), entries => TraceText.Print(entries, verbose), entry => TraceText.Line(entry, verbose));
    }

    private static async Task<int> ShowAsync<T>(ParseResult parsed, Func<IReadOnlyList<T>> read, Func<IAsyncEnumerable<T>> follow, Action<IReadOnlyList<T>> print, Func<T, string> line)
    {
        var json = parsed.GetValue(Globals.Json);
        if (parsed.GetValue(s_follow))
        {
            await foreach (var entry in follow().ConfigureAwait(false))
            {
                if (json) CliJson.PrintLine(entry);
                else Console.Out.WriteLine(line(entry));
            }
        }
        else if (json)
        {
            CliJson.Print(read());
        }
        else
        {
            print(read());
        }

        return 0;
    }
}
