using System.Text.Json.Nodes;

namespace Moat.Kernel.Guest;

/// <summary>Lines for the host, on the console: a mark that no kernel message has, then a JSON object.</summary>
internal static class Report
{
    private const string Mark = "MOAT ";

    public static void Write(string row, string place, JsonObject result)
    {
        result["row"] = row;
        result["place"] = place;
        Console.WriteLine(Mark + result.ToJsonString());
    }

    public static JsonObject Events(IReadOnlyList<KernelEvent> events) => new()
    {
        ["denials"] = events.Count(e => e.Denied),
        ["events"] = string.Join("; ", events.Take(4).Select(e => $"{(e.Denied ? "denied" : "allowed")} {e.Actions} {e.Path}{e.Address} by {e.Command} {e.Process} x{e.Times}")),
    };
}
