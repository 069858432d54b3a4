using System.CommandLine;
using Moat.Cli.Output;
using Moat.Gateway.Mcp;
using Moat.Spec;
using Printable = Moat.Runs.Printable;

namespace Moat.Cli.Commands;

internal static class McpCommand
{
    private static readonly Argument<string?> s_some = new("server") { Description = "Host of the server; without it all", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> s_server = new("server") { Description = "Host of the server, with its port where that is not 443" };
    private static readonly Argument<string?> s_tool = new("tool") { Description = "One tool; without it all that changed", Arity = ArgumentArity.ZeroOrOne };

    public static Command Create()
    {
        var command = new Command("mcp", "Show and approve what MCP servers say of their tools");
        var pins = new Command("pins", "List the tools that were seen, and which of them changed since") { s_some };
        pins.SetAction(Pins);
        command.Subcommands.Add(pins);
        var approve = new Command("approve", "Let a tool be called again whose description changed") { s_server, s_tool };
        approve.SetAction(Approve);
        command.Subcommands.Add(approve);
        return command;
    }

    private static int Pins(ParseResult parsed)
    {
        var store = Store();
        IReadOnlyList<McpServerPins> servers = parsed.GetValue(s_some) is { } one ? store.Find(one) is { } pins ? [pins] : [] : store.All();
        IReadOnlyList<McpPinRow> rows = [.. servers.SelectMany(static server => server.Tools.Select(pin => new McpPinRow(server.Server, pin.Tool, pin.Holds, pin.Latest, pin.FirstSeen, pin.ChangedAt)))];
        if (parsed.GetValue(Globals.Json))
        {
            CliJson.Print(rows);
            return 0;
        }

        var listing = new Listing("SERVER", "TOOL", "CALLS", "FIRST SEEN", "CHANGED", "DIGEST");
        foreach (var row in rows)
            listing.Add(row.Server, row.Tool, row.Approved ? "allowed" : "denied", Words.Day(row.FirstSeen), row.ChangedAt is { } at ? Words.Day(at) : "-", row.Digest[..Math.Min(12, row.Digest.Length)]);
        listing.Print("no tools of MCP servers were seen yet");
        return 0;
    }

    private static int Approve(ParseResult parsed)
    {
        var server = parsed.GetValue(s_server)!;
        try
        {
            var approved = Store().Approve(server, parsed.GetValue(s_tool));
            Console.Out.WriteLine(approved.Count == 0 ? "nothing waited for an approval" : $"approved {Printable.Text(string.Join(", ", approved))} of {Printable.Text(server)}; running agents may call it from now on");
            return 0;
        }
        catch (IOException e)
        {
            throw new MoatException($"the pins cannot be changed: {e.Message}", "see that the state folder is writable, then try again", inner: e);
        }
    }

    private static McpPinStore Store() => new(Moat.Runs.McpPinFolder.In(Globals.Directories().StateDirectory));
}
