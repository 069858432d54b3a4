using System.CommandLine;
using System.Globalization;
using Moat.Configuration;
using Moat.Policy;
using Moat.Spec;
using Printable = Moat.Runs.Printable;

namespace Moat.Cli.Commands;

internal static class PolicyTestCommand
{
    private static readonly Argument<string> s_file = new("file") { Description = "A Cedar policy" };
    private static readonly Argument<string> s_cases = new("cases") { Description = "A YAML list of requests and answers" };

    public static Command Create()
    {
        var command = new Command("test", "Ask a policy about a table of requests; exit code 1 when an answer is another than expected") { s_file, s_cases };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        var path = parsed.GetValue(s_file)!;
        var policy = RequestPolicy.Compile(PolicyFile.Read(PolicyFiles.Read(path), Path.GetFileName(path)), "run", agent: "");
        var table = parsed.GetValue(s_cases)!;
        var (all, failed) = (0, 0);
        foreach (var one in PolicyCases.Load(table))
        {
            all++;
            if (Difference(policy, one, Path.GetFileName(table)) is not { } difference) continue;
            failed++;
            Console.Out.WriteLine(Printable.Text(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(table)}:{one.Line}: {difference}")));
        }

        Console.Out.WriteLine(failed == 0 ? $"{all} cases passed" : $"{failed} of {all} cases failed");
        return failed == 0 ? 0 : 1;
    }

    // What is other than expected; null for nothing.
    private static string? Difference(RequestPolicy policy, PolicyCase one, string table)
    {
        if (!CanonicalHost.TryParse(one.Host, out var host, out var error))
            throw new MoatException(string.Create(CultureInfo.InvariantCulture, $"{table}:{one.Line}: {error}"), "write a host such as api.example.org");
        var answer = policy.Explain(one.Action, host, one.Port, one.Method, one.Path, one.Grant, McpCallText.Of(one.Tool, one.Arguments));
        var rules = answer.Determining.Count == 0 ? "no statement" : string.Join(", ", answer.Determining.Select(static step => step.Rule));
        if (answer.Decision.Allowed != one.Allow) return $"expected {(one.Allow ? "allow" : "deny")}, and it is {(one.Allow ? "denied" : "allowed")} by {rules}";
        return one.Rule is null || answer.Determining.Any(step => step.Rule.StartsWith(one.Rule + " ", StringComparison.Ordinal)) ? null : $"expected {one.Rule}, and {rules} decides";
    }
}
