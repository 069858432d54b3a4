using System.CommandLine;
using System.Globalization;
using Moat.Cli.Output;
using Moat.Configuration;
using Moat.Policy;
using Moat.Runs;

namespace Moat.Cli.Commands;

internal static class PolicyDiffCommand
{
    private static readonly Argument<string> s_old = new("old") { Description = "A Cedar policy" };
    private static readonly Argument<string> s_new = new("new") { Description = "The one that would take its place" };
    private static readonly Argument<string[]> s_runs = Globals.RunArguments();

    public static Command Create()
    {
        var command = new Command("diff", "Show which requests of recorded runs two policies decide differently; exit code 1 when there are any") { s_old, s_new, s_runs };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var (before, after) = (Compile(parsed.GetValue(s_old)!), Compile(parsed.GetValue(s_new)!));
        var uses = parsed.GetValue(s_runs)!.SelectMany(run => RecordedUses.Read(Globals.Find(run).Folder, allowedOnly: false)).ToList();
        // A policy may look at the values of arguments, which no log holds.
        var compared = uses.Where(use => use.Use.Kind != RecordedUseKind.Tool).ToList();
        List<PolicyDifference> rows = [];
        foreach (var group in compared.GroupBy(use => use.Use))
        {
            var (was, now) = (group.Key.Ask(before), group.Key.Ask(after));
            if (was.Allowed != now.Allowed) rows.Add(new PolicyDifference(group.Key.Text, group.Sum(use => use.Count), was.Allowed, was.Rule, now.Allowed, now.Rule));
        }

        if (parsed.GetValue(Globals.Json)) CliJson.Print<IReadOnlyList<PolicyDifference>>(rows);
        else Print(rows, compared.Sum(use => use.Count), uses.Where(use => use.Use.Kind == RecordedUseKind.Tool).Sum(use => use.Count));
        return rows.Count == 0 ? 0 : 1;
    }

    private static void Print(List<PolicyDifference> rows, int compared, int tools)
    {
        var listing = new Listing("TIMES", "WAS", "IS", "REQUEST");
        foreach (var row in rows)
            listing.Add(row.Times.ToString(CultureInfo.InvariantCulture), Words(row.Was, row.WasRule), Words(row.Is, row.IsRule), row.Request);
        listing.Print(string.Create(CultureInfo.InvariantCulture, $"both policies decide all {compared:N0} alike"));
        if (tools > 0) Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tools:N0} MCP calls are not compared: the values of their arguments are not recorded"));
    }

    private static string Words(bool allowed, string rule) => (allowed ? "allowed" : "denied") + (rule.Length > 0 ? $" ({rule})" : "");

    private static RequestPolicy Compile(string path) => RequestPolicy.Compile(PolicyFile.Read(PolicyFiles.Read(path), Path.GetFileName(path)), "run", agent: "");
}

/// <summary>A recorded use that two policies decide differently.</summary>
/// <param name="Request">What was asked for, in one line.</param>
/// <param name="Times">How often it was made in the runs.</param>
/// <param name="Was">True: the old policy allows it.</param>
/// <param name="WasRule">The statement that decided then.</param>
/// <param name="Is">True: the new policy allows it.</param>
/// <param name="IsRule">The statement that decides now.</param>
internal sealed record PolicyDifference(string Request, int Times, bool Was, string WasRule, bool Is, string IsRule);
