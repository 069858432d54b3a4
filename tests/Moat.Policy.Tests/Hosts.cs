using CsCheck;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>Shorthand that keeps a table of hosts or rules readable.</summary>
internal static class Hosts
{
    public static CanonicalHost Of(string text)
    {
        Assert.True(CanonicalHost.TryParse(text, out var host, out var error), text + ": " + error);
        return host;
    }

    public static NetworkPolicy Strict(params HostRuleSpec[] rules) => NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Strict, Rules = [.. rules] });

    public static NetworkPolicy Permissive(params HostRuleSpec[] rules) => NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Permissive, Rules = [.. rules] });

    public static Gen<T> Any<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    /// <summary><c>host[:port]</c> and request rules as they stand in YAML.</summary>
    public static HostRuleSpec Rule(string host, params string[] requests)
    {
        var colon = host.LastIndexOf(':');
        int? port = colon > 0 && host.IndexOf(':', StringComparison.Ordinal) == colon ? int.Parse(host[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture) : null;
        return new HostRuleSpec(port is null ? host : host[..colon], port, [.. requests.Select(r => r.Split(' ')).Select(p => new RequestRuleSpec(p[0] == "allow", p[1], p[2]))], "test");
    }
}
