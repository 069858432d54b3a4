using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>Policies from short texts: <c>host[:port]</c>, and request rules as <c>allow GET /path</c>.</summary>
internal static class Policies
{
    public static NetworkPolicy Strict(params string[] hosts) => Compile(NetworkMode.Strict, [.. hosts.Select(h => Rule(h))]);

    public static NetworkPolicy Permissive(params string[] hosts) => Compile(NetworkMode.Permissive, [.. hosts.Select(h => Rule(h))]);

    public static NetworkPolicy Compile(NetworkMode mode, params HostRuleSpec[] rules) => NetworkPolicy.Compile(new NetworkSpec { Mode = mode, Rules = [.. rules] });

    /// <summary>One host that request rules narrow.</summary>
    public static NetworkPolicy Scoped(NetworkMode mode, string host, params string[] requests) => Compile(mode, Rule(host, requests));

    public static HostRuleSpec Rule(string host, params string[] requests)
    {
        int? port = null;
        var colon = host.LastIndexOf(':');
        if (colon > 0 && host.IndexOf(':', StringComparison.Ordinal) == colon) (host, port) = (host[..colon], int.Parse(host[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture));
        return new HostRuleSpec(host, port, [.. requests.Select(Request)], "moat.yaml:7");
    }

    public static RequestRuleSpec Request(string text)
    {
        var words = text.Split(' ');
        return new RequestRuleSpec(words[0] == "allow", words[1], words[2]);
    }

    public static CanonicalHost Host(string text) => CanonicalHost.TryParse(text, out var host, out var error) ? host : throw new ArgumentException($"{text}: {error}");

    public static bool Allows(this NetworkPolicy policy, string host, int port = 443) => policy.DecideHost(Host(host), port).Allowed;

    public static bool Allows(this NetworkPolicy policy, string host, string method, string path, int port = 443) => policy.DecideRequest(Host(host), port, method, path).Allowed;
}
