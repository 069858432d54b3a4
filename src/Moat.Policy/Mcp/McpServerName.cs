using System.Globalization;
using Moat.Cedar;

namespace Moat.Policy;

/// <summary>
/// The names of MCP servers in policies: the host at which one answers, with its port where one port is meant. Any other name
/// is that of a program which the agent starts for itself.
/// </summary>
internal static class McpServerName
{
    /// <summary>A server at a host and a port; the port of HTTPS goes without saying.</summary>
    public static string Of(in CanonicalHost host, int port) => port == 443 ? HostEntities.NameOf(host) : EntitySpelling.EndpointId(HostEntities.NameOf(host), port);

    /// <summary>Reads a name as a host and maybe a port. False for the name of a program.</summary>
    public static bool TryRead(string name, out CanonicalHost host, out int? port)
    {
        port = null;
        if (CanonicalHost.TryParse(name, out host, out _)) return IsReachable(host);
        var colon = name.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(name.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535) return false;
        port = number;
        return CanonicalHost.TryParse(name.AsSpan(0, colon), out host, out _);
    }

    /// <summary>The entity in its one spelling; a program's name stays as it is.</summary>
    public static EntityUid? Normalize(EntityUid uid, out string error)
    {
        error = "";
        if (uid.Id.Contains("//", StringComparison.Ordinal) || uid.Id.Contains('*', StringComparison.Ordinal))
        {
            error = "an MCP server is named by its host: MCP::Server::\"mcp.example.org\"";
            return null;
        }

        return TryRead(uid.Id, out var host, out var port)
            ? new EntityUid(uid.Type, port is { } number ? EntitySpelling.EndpointId(HostEntities.NameOf(host), number) : HostEntities.NameOf(host))
            : uid;
    }

    // A name without a dot is none that the network knows.
    private static bool IsReachable(in CanonicalHost host) => host.IsIp || host.Value.Contains('.', StringComparison.Ordinal) || host.Value == "localhost";
}
