using System.CommandLine;
using System.Globalization;
using Moat.Policy;
using Moat.Runs;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class PolicySuggestCommand
{
    private static readonly Argument<string[]> s_runs = Globals.RunArguments();
    private static readonly Option<string?> s_out = new("--out", "-o") { Description = "Write the policy to this file, which must not exist", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command("suggest", "Write the least policy that recorded runs need, and ask it about each of their uses again") { s_runs, s_out };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var uses = parsed.GetValue(s_runs)!.SelectMany(run => RecordedUses.Read(Globals.Find(run).Folder, allowedOnly: true)).ToList();
        var text = PolicySuggestion.Write(uses.Select(use => use.Use));
        if (text.Length == 0) throw new MoatException("these runs used no network, so there is nothing to permit", "see what a run did with: moat trace RUN --network");
        var policy = RequestPolicy.Compile(PolicyFile.Read(text, "suggested.cedar"), "run", agent: "");
        var (all, denied) = (0, 0);
        foreach (var (use, count) in uses)
        {
            all += count;
            var decision = use.Ask(policy);
            if (decision.Allowed) continue;
            denied += count;
            Console.Error.WriteLine(Printable.Text($"would deny: {use.Text}: {decision.Reason}"));
        }

        if (parsed.GetValue(s_out) is { } path) WriteNew(path, text);
        else Console.Out.Write(text);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"would have denied {denied:N0} of {all:N0}"));
        return 0;
    }

    private static void WriteNew(string path, string text)
    {
        try
        {
            using var file = new StreamWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write));
            file.Write(text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MoatException($"the policy cannot be written: {e.Message}", "name a file that does not exist yet, in a folder that does");
        }
    }
}
