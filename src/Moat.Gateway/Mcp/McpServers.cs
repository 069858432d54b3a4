using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Moat.Credentials;
using Moat.Gateway.Identity;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Mcp;

/// <summary>Which hosts are MCP servers: those of the run's <c>mcp:</c> grants and those that its policy names.</summary>
internal sealed class McpServers(IReadOnlyList<UnlockedGrant> grants, PolicyGate gate)
{
    private const string GrantPrefix = "mcp:";

    /// <summary>Addresses for messages that servers gave out; more are not remembered.</summary>
    private const int MaxEndpoints = 256;

    private readonly HashSet<string> _endpoints = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    public bool IsKnown(Destination destination)
    {
        var authority = destination.Authority;
        if (gate.NamesMcpServer(authority.Host, authority.Port))
            return true;
        foreach (var grant in grants)
        {
            if (grant.Name.StartsWith(GrantPrefix, StringComparison.Ordinal) && grant.FindBinding(authority.Host.Value, authority.Port) >= 0)
                return true;
        }
        return false;
    }

    /// <summary>True for a request that says of itself that it is for an MCP server, as the protocol's clients do over streamable HTTP.</summary>
    public static bool Announces(HttpRequest request) => HttpMethods.IsPost(request.Method)
        && (request.Headers.ContainsKey("Mcp-Session-Id") || request.Headers.ContainsKey("MCP-Protocol-Version")
            || (Mentions(request.Headers.Accept, "text/event-stream") && Mentions(request.Headers.Accept, "application/json")));

    /// <summary>Remembers where a server of revision 2024-11-05 takes messages whose answers it sends as events.</summary>
    public void AddEndpoint(string server, string endpoint)
    {
        if (!Uri.TryCreate(new Uri($"https://{server}/"), endpoint, out var url))
            return;
        lock (_lock)
        {
            if (_endpoints.Count < MaxEndpoints)
                _endpoints.Add(server + url.AbsolutePath);
        }
    }

    public bool IsEndpoint(string server, string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        lock (_lock)
            return _endpoints.Contains(server + (query < 0 ? target : target[..query]));
    }

    private static bool Mentions(StringValues values, string type)
    {
        foreach (var value in values)
        {
            if (value is not null && value.Contains(type, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
