using System.Globalization;
using Moat.Policy;

namespace Moat.Runs;

/// <summary>What a recorded run did over the network, for policies to be asked about it again.</summary>
public static class RecordedUses
{
    /// <summary>Each different use with how often it was made, in the order of the log.</summary>
    /// <param name="folder">The run's.</param>
    /// <param name="allowedOnly">True: what was denied is left out.</param>
    public static IReadOnlyList<(RecordedUse Use, int Count)> Read(RunFolder folder, bool allowedOnly)
    {
        var order = new List<RecordedUse>();
        var counts = new Dictionary<RecordedUse, int>();
        var all = NetworkTrace.Read(folder).Where(entry => entry.Allowed || !allowedOnly).Select(Of)
            .Concat(McpTrace.Read(folder).Where(entry => entry.Allowed || !allowedOnly).Select(Of)).OfType<RecordedUse>();
        foreach (var use in all)
        {
            if (!counts.TryGetValue(use, out var count)) order.Add(use);
            counts[use] = count + 1;
        }

        return [.. order.Select(use => (use, counts[use]))];
    }

    private static RecordedUse? Of(TraceEntry entry)
    {
        RecordedUseKind? kind = entry.Kind switch
        {
            "request" => RecordedUseKind.Request,
            "connect" => RecordedUseKind.Connect,
            "signature" or "session" => RecordedUseKind.Credential,
            _ => null,
        };
        // A connection that was refused before it said where to is no question for a policy.
        if (kind is not { } known || entry.Port == 0 || !CanonicalHost.TryParse(entry.Host, out var host, out _)) return null;
        var grants = entry.Grant.Split(", ", StringSplitOptions.RemoveEmptyEntries);
        return known == RecordedUseKind.Credential
            ? new RecordedUse(known, host, entry.Port, entry.Kind == "session" ? "CONNECT" : "SIGN", "/", [.. grants], "")
            : new RecordedUse(known, host, entry.Port, entry.Method, entry.Path, [.. grants], "");
    }

    private static RecordedUse? Of(McpTraceEntry entry)
    {
        if (entry.Kind != "message" || entry.Tool.Length == 0) return null;
        var colon = entry.Server.LastIndexOf(':');
        var hasPort = colon > 0 && entry.Server.IndexOf(']') < colon && int.TryParse(entry.Server.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        var port = hasPort ? int.Parse(entry.Server.AsSpan(colon + 1), CultureInfo.InvariantCulture) : 443;
        var name = (hasPort ? entry.Server[..colon] : entry.Server).Trim('[', ']');
        return CanonicalHost.TryParse(name, out var host, out _) ? new RecordedUse(RecordedUseKind.Tool, host, port, "", "", [], entry.Tool) : null;
    }
}
