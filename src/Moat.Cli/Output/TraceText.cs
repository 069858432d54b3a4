using Moat.Runs;

namespace Moat.Cli.Output;

/// <summary>Trace entries for a person.</summary>
internal static class TraceText
{
    private const int UrlWidth = 80;

    public static void Print(IReadOnlyList<TraceEntry> entries, bool verbose)
    {
        var listing = verbose
            ? new Listing("TIME", "METHOD", "URL", "DECISION", "STATUS", "OUT", "IN", "MS", "GRANT", "PROTOCOL", "RULE", "REASON")
            : new Listing("TIME", "METHOD", "URL", "DECISION", "STATUS", "BYTES", "MS", "GRANT", "RULE");
        foreach (var entry in entries) listing.Add(Cells(entry, verbose));
        listing.Print("nothing on the network yet");
    }

    public static string Line(TraceEntry entry, bool verbose) => Printable.Text(string.Join("  ", Cells(entry, verbose)));

    private static string[] Cells(TraceEntry entry, bool verbose)
    {
        var method = entry.Kind switch { "dns" => "DNS " + entry.Method, "connect" => "CONNECT", _ => entry.Method };
        var status = entry.Status > 0 ? Words.Number(entry.Status) : entry.Complete ? "-" : "open";
        var decision = entry.Allowed ? "allowed" : "denied";
        var grant = entry.Grant.Length > 0 ? entry.Grant : "-";
        return verbose
            ? [Words.Clock(entry.Time), method, entry.Url, decision, status, Words.Bytes(entry.BytesOut), Words.Bytes(entry.BytesIn), Words.Number(entry.Milliseconds), grant, entry.Protocol, entry.Rule, entry.Error.Length > 0 ? entry.Error : entry.Reason]
            : [Words.Clock(entry.Time), method, Printable.Text(entry.Url, UrlWidth), decision, status, Words.Bytes(entry.BytesIn + entry.BytesOut), Words.Number(entry.Milliseconds), grant, entry.Error.Length > 0 ? entry.Error : entry.Rule];
    }
}
