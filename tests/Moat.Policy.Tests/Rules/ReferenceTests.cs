using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Moat.Configuration;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>Asks the policy about every row of the reference's tables; the YAML above a table goes through the real reader.</summary>
public partial class ReferenceTests
{
    public static TheoryData<string, string, string, string> Rows()
    {
        var data = new TheoryData<string, string, string, string>();
        var yaml = "";
        foreach (Match part in Parts().Matches(Reference()))
        {
            if (part.Groups["yaml"].Success) yaml = part.Groups["yaml"].Value;
            else data.Add(yaml, part.Groups["request"].Value, part.Groups["decision"].Value, part.Groups["because"].Value);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Every_row_of_the_reference_is_what_the_policy_says(string yaml, string request, string expected, string because)
    {
        var policy = Policy(yaml);
        var (verb, target) = request.Split(' ', 2) is [var first, var second] ? (first, second) : throw new FormatException(request);
        if (verb == "RESOLVE")
        {
            Assert.Equal(expected == "allowed", policy.MayResolve(Policies.Host(target)));
            return;
        }

        var (host, port, path) = Split(target);
        var decision = verb == "CONNECT" ? policy.DecideHost(host, port) : policy.DecideRequest(host, port, verb, path);
        Assert.Equal(expected, decision.Allowed ? "allowed" : "denied");
        Assert.Contains(because, $"{decision.Rule}: {decision.Reason}", StringComparison.Ordinal);
    }

    [Fact]
    public void No_row_of_the_reference_is_left_out()
    {
        var lines = Reference().Split('\n').Count(line => line.StartsWith("| `", StringComparison.Ordinal));
        Assert.True(lines > 50);
        Assert.Equal(lines, Rows().Count);
    }

    private static NetworkPolicy Policy(string yaml)
    {
        var result = ConfigurationLoader.Parse("moat.yaml", Encoding.UTF8.GetBytes(yaml));
        Assert.Empty(result.Errors);
        var network = result.Configuration!.Network!;
        return NetworkPolicy.Compile(new NetworkSpec { Mode = network.Mode, Rules = network.Rules, HostPorts = network.HostPorts, Resolve = network.Resolve });
    }

    // Not System.Uri, which would mend the very spellings that the page is about.
    private static (CanonicalHost Host, int Port, string Path) Split(string target)
    {
        var match = Target().Match(target);
        Assert.True(match.Success, target);
        var port = match.Groups["port"] is { Success: true, Value: var text } ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : match.Groups["scheme"].Value == "http" ? 80 : 443;
        return (Policies.Host(match.Groups["host"].Value), port, match.Groups["path"].Value);
    }

    private static string Reference([CallerFilePath] string here = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/reference/network-rules.md"));

    [GeneratedRegex(@"^```yaml\n(?<yaml>.*?)^```|^\| `(?<request>[^`]+)` \| (?<decision>allowed|denied) \| (?:`(?<because>[^`]*)` )?\|$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Parts();

    [GeneratedRegex(@"\A(?:(?<scheme>https?)://)?(?<host>\[[^\]]*\]|[^:/]+)(?::(?<port>\d+))?(?<path>/.*)?\z")]
    private static partial Regex Target();
}
