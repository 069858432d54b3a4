using System.Text.RegularExpressions;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>The rules read as their documentation says, by regular expressions and without any index.</summary>
internal static class NaiveOracle
{
    public static bool Allows(IEnumerable<HostRuleSpec> rules, string host, int port, string method, string path, bool strict)
    {
        foreach (var rule in rules)
        {
            if (!HostMatches(rule.Host, host) || !(rule.Port is { } only ? only == port : port is 80 or 443)) continue;
            if (rule.Requests.IsEmpty) return true;
            foreach (var request in rule.Requests)
            {
                if ((request.Method == "*" || request.Method == method) && PathMatches(request.Path, path)) return request.Allow;
            }

            return !strict;
        }

        return !strict;
    }

    private static bool HostMatches(string pattern, string host)
    {
        var stars = Regex.Count(pattern, @"\*\.");
        var rest = pattern[(2 * stars)..];
        return stars == 0 ? host == rest : Regex.IsMatch(host, $@"^([^.]+\.){{{stars},}}{Regex.Escape(rest)}$");
    }

    private static bool PathMatches(string pattern, string path)
    {
        var expression = string.Concat(pattern.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(s => s switch { "**" => "(/[^/]+)*", "*" => "/[^/]+", _ => "/" + Regex.Escape(s) }));
        return Regex.IsMatch(path == "/" ? "" : path, "^" + expression + "$");
    }
}
