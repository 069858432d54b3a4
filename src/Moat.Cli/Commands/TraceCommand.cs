using System.CommandLine;
using Moat.Cli.Output;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class TraceCommand
{
    private static readonly Argument<string?> s_run = Globals.RunArgument();
    private static readonly Option<bool> s_network = new("--network") { Description = "Requests, refused connections and names; the default" };
    private static readonly Option<bool> s_exec = new("--exec") { Description = "Programs that were run, as seen at the call's entry" };
    private static readonly Option<bool> s_follow = new("--follow", "-f") { Description = "Go on until the run is over" };

    public static Command Create()
    {
        var command = new Command("trace", "Show what the run did, from its audit log") { s_run, s_network, s_exec, s_follow };
        command.Validators.Add(result =>
        {
            if (result.GetValue(s_network) && result.GetValue(s_exec)) result.AddError("--network and --exec are two listings: ask for one");
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var folder = Globals.Find(parsed.GetValue(s_run)).Folder;
        var (json, verbose, follow) = (parsed.GetValue(Globals.Json), parsed.GetValue(Globals.Verbose), parsed.GetValue(s_follow));
        if (parsed.GetValue(s_exec))
        {
            if (follow) return await FollowAsync(ExecTrace.FollowAsync(folder, ct), json, entry => ExecText.Line(entry, verbose)).ConfigureAwait(false);
            var execs = ExecTrace.Read(folder);
            if (json) CliJson.Print(execs);
            else ExecText.Print(execs, verbose);
            return 0;
        }

        if (follow) return await FollowAsync(NetworkTrace.FollowAsync(folder, ct), json, entry => TraceText.Line(entry, verbose)).ConfigureAwait(false);
        var entries = NetworkTrace.Read(folder);
        if (json) CliJson.Print(entries);
        else TraceText.Print(entries, verbose);
        return 0;
    }

    private static async Task<int> FollowAsync<T>(IAsyncEnumerable<T> entries, bool json, Func<T, string> line)
    {
        await foreach (var entry in entries.ConfigureAwait(false))
        {
            if (json) CliJson.PrintLine(entry);
            else Console.Out.WriteLine(line(entry));
        }

        return 0;
    }
}
