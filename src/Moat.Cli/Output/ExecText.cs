using Moat.Runs;

namespace Moat.Cli.Output;

/// <summary>Programs that the agent ran, for a person.</summary>
internal static class ExecText
{
    private const int CommandWidth = 100;

    public static void Print(IReadOnlyList<ExecEntry> entries, bool verbose)
    {
        var listing = verbose ? new Listing("TIME", "PID", "PARENT", "FILE", "DECISION", "COMMAND", "FOLDER", "RULE") : new Listing("TIME", "PID", "FILE", "DECISION", "COMMAND");
        foreach (var entry in entries) listing.Add(Cells(entry, verbose));
        listing.Print("no program was run yet");
    }

    public static string Line(ExecEntry entry, bool verbose) => Printable.Text(string.Join("  ", Cells(entry, verbose)));

    private static string[] Cells(ExecEntry entry, bool verbose)
    {
        var command = string.Join(' ', entry.Arguments) + (entry.Truncated ? " …" : "");
        var file = entry.File.Length > 0 ? entry.File : $"({entry.Path}: not found)";
        var decision = entry.Allowed ? "allowed" : "denied";
        return verbose
            ? [Words.Clock(entry.Time), Words.Number(entry.Pid), Words.Number(entry.ParentPid), file, decision, Printable.Text(command), entry.Directory, entry.Rule]
            : [Words.Clock(entry.Time), Words.Number(entry.Pid), file, decision, Printable.Text(command, CommandWidth)];
    }
}
