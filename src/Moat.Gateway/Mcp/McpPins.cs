using System.Collections.Concurrent;
using Moat.Gateway.Pipeline;
using Moat.Policy;
using Moat.Spec;

namespace Moat.Gateway.Mcp;

/// <summary>
/// The pinned descriptions of tools as one run uses them. A tool whose description became another since it was pinned, in
/// this run or an earlier one, is not called until a person approves the new one.
/// </summary>
/// <param name="store">Null: the pins live as long as the gateway.</param>
/// <param name="notice">Told of each change, once.</param>
internal sealed class McpPins(McpPinStore? store, Recorder recorder, Action<string>? notice)
{
    /// <summary>Lines about changes that a run's person sees; the audit log has them all.</summary>
    private const int MaxNotices = 100;

    private readonly ConcurrentDictionary<string, McpServerPins> _servers = new(StringComparer.Ordinal);
    private readonly HashSet<(string, string)> _told = [];
    private readonly Lock _lock = new();

    /// <exception cref="FormatException">The pins cannot be stored, so the list must not be passed on.</exception>
    public void See(string server, IReadOnlyList<McpListedTool> tools)
    {
        if (tools.Count == 0)
            return;
        IReadOnlyList<McpPin> changed;
        lock (_lock)
        {
            try
            {
                (_servers[server], changed) = store is null ? SeeHere(server, tools) : store.See(server, tools, DateTimeOffset.UtcNow);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or MoatException)
            {
                throw new FormatException($"what the MCP server says of its tools cannot be pinned: {e.Message}", e);
            }
        }
        foreach (var pin in changed)
            Tell(server, pin);
    }

    /// <summary>Why a tool may not be called; null when it may.</summary>
    public Decision? Denial(string server, string tool)
    {
        if (Holds(server, tool))
            return null;
        var name = Printable(tool);
        return new Decision(false, "pinned tools", $"the MCP server {server} changed its description of the tool {name}", $"moat mcp approve {server} {name}");
    }

    private bool Holds(string server, string tool)
    {
        lock (_lock)
        {
            if (store is null)
                return !_servers.TryGetValue(server, out var own) || Find(own, tool) is not { Holds: false };
            try
            {
                // Another run may have seen the change, and a person may have approved it meanwhile.
                if (store.Find(server) is not { } pins)
                    return true;
                _servers[server] = pins;
                return Find(pins, tool) is { } pin ? pin.Holds : pins.Tools.Count < McpPinStore.MaxTools;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or MoatException)
            {
                // What was pinned is not known: nothing is called.
                return false;
            }
        }
    }

    private (McpServerPins, IReadOnlyList<McpPin>) SeeHere(string server, IReadOnlyList<McpListedTool> listed)
    {
        var changed = new List<McpPin>();
        return (_servers.GetValueOrDefault(server, new McpServerPins(server, [])).With(listed, DateTimeOffset.UtcNow, changed), changed);
    }

    private void Tell(string server, McpPin pin)
    {
        recorder.McpToolChanged(server, pin);
        if (pin.Holds)
            return;
        lock (_lock)
        {
            if (_told.Count >= MaxNotices || !_told.Add((server, pin.Tool)))
                return;
        }
        notice?.Invoke($"moat: the MCP server {server} changed its description of the tool {Printable(pin.Tool)}; its calls are denied until you approve it: moat mcp approve {server} {Printable(pin.Tool)}");
    }

    private static McpPin? Find(McpServerPins pins, string tool)
    {
        foreach (var pin in pins.Tools)
        {
            if (pin.Tool == tool)
                return pin;
        }
        return null;
    }

    // A name that is more than a word would be no argument of a command.
    private static string Printable(string tool) => tool.Length <= 100 && tool.Length > 0 && tool.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/') ? tool : "(with an unusual name)";
}
