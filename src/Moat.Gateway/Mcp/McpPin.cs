using System.Text.Json.Serialization;

namespace Moat.Gateway.Mcp;

/// <summary>What is known of one tool of an MCP server.</summary>
/// <param name="Approved">Digests of the descriptions that hold: the first one seen and those that a person approved.</param>
/// <param name="Latest">Digest of the description that the server gave last.</param>
/// <param name="FirstSeen">When the tool was first listed.</param>
/// <param name="ChangedAt">When the description became another; null while it is the first.</param>
public sealed record McpPin(string Tool, IReadOnlyList<string> Approved, string Latest, DateTimeOffset FirstSeen, DateTimeOffset? ChangedAt)
{
    /// <summary>False: the description changed and nobody approved it, so calls are denied.</summary>
    [JsonIgnore]
    public bool Holds => Approved.Contains(Latest);
}

/// <summary>The pinned tools of one server, as they are stored.</summary>
/// <param name="Server">Host, with its port where that is not 443.</param>
public sealed record McpServerPins(string Server, IReadOnlyList<McpPin> Tools)
{
    /// <summary>The pins after the server listed tools: a tool that is new is approved, one that changed is not.</summary>
    /// <param name="changed">Takes the tools whose description is another than it was last.</param>
    /// <returns>This when nothing is new.</returns>
    internal McpServerPins With(IEnumerable<McpListedTool> listed, DateTimeOffset now, List<McpPin> changed)
    {
        var tools = Tools.ToDictionary(static pin => pin.Tool, StringComparer.Ordinal);
        foreach (var (name, digest) in listed)
        {
            if (!tools.TryGetValue(name, out var pin))
            {
                if (tools.Count < McpPinStore.MaxTools)
                    tools.Add(name, new McpPin(name, [digest], digest, now, null));
            }
            else if (pin.Latest != digest)
            {
                changed.Add(tools[name] = pin with { Latest = digest, ChangedAt = now });
            }
        }
        return changed.Count == 0 && tools.Count == Tools.Count ? this : this with { Tools = [.. tools.Values.OrderBy(static pin => pin.Tool, StringComparer.Ordinal)] };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(McpServerPins))]
internal sealed partial class McpPinsJson : JsonSerializerContext;
