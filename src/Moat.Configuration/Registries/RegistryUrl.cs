using System.Net;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>A registry's URL as a client's configuration has it, and where it was found.</summary>
internal sealed record FoundRegistry(string Client, string Url, string Where);

/// <summary>From URL to rule.</summary>
internal static class RegistryUrl
{
    /// <summary>Null for what is no HTTP URL, and for loopback.</summary>
    public static HostRuleSpec? ToRule(FoundRegistry found)
    {
        var text = found.Url.Trim().Trim('"', '\'');
        if (text.StartsWith("sparse+", StringComparison.Ordinal)) text = text["sparse+".Length..];
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http")) return null;
        // The host and the port are all that is taken: user, password, path and query stay behind.
        if (!HostText.TryParse(uri.Host, wildcard: false, out var host, out _, out _)) return null;
        if (host == "localhost" || host.EndsWith(".localhost", StringComparison.Ordinal) || (IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip))) return null;
        return new HostRuleSpec(host, uri.Port, [], $"{found.Client} registry ({found.Where})");
    }
}
