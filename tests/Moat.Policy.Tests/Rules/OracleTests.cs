using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>The compiled policy against a slow one that is nothing but regular expressions over the rules' texts.</summary>
public class OracleTests
{
    private static readonly Gen<string> Label = Gen.OneOf("a", "b", "ab", "a-b", "xa");
    private static readonly Gen<string> Name = Label.Array[1, 4].Select(l => string.Join('.', l));
    private static readonly Gen<string> RuleHost = Gen.Select(Gen.OneOf("", "", "*.", "*.*."), Name, (stars, name) => stars + name);
    private static readonly Gen<string> PatternSegment = Gen.OneOf("a", "b", "A", "ab", "*", "**", "%61", "a.", "x%20y");
    private static readonly Gen<string> RulePath = Gen.Select(PatternSegment.Array[0, 4], Gen.Bool, (s, slash) => "/" + string.Join('/', s) + (slash && s.Length > 0 ? "/" : ""));
    private static readonly Gen<string> Segment = Gen.OneOf("a", "b", "A", "ab", "%61", "a.", "x%20y", "B%20", "..", ".", "", "%2e", "a;b", "%2f", "%ff", "c");
    private static readonly Gen<string> Path = Gen.Select(Gen.OneOf(Gen.OneOf("a", "b", "A", "ab", "a.", "x%20y").Array[0, 5], Segment.Array[0, 5]), Gen.OneOf("", "/", "?q=/../"), (s, tail) => "/" + string.Join('/', s) + tail);
    private static readonly Gen<string> Method = Gen.OneOf("GET", "POST", "get", "PoST");
    private static readonly Gen<RequestRuleSpec> RequestRule = Gen.Select(Gen.Bool, Gen.OneOf("GET", "POST", "*"), RulePath, (allow, method, path) => new RequestRuleSpec(allow, method, path));

    private static readonly Gen<HostRuleSpec> HostRule =
        from host in Gen.OneOf(RuleHost, Gen.Const("*"))
        from port in Gen.OneOf<int?>(null, null, 80, 8080)
        from requests in RequestRule.Array[0, 3]
        select new HostRuleSpec(host, port, [.. requests], "t");

    private static readonly Gen<NetworkSpec> Spec = Gen.Select(Gen.Bool, HostRule.Array[0, 6], (strict, rules) => new NetworkSpec { Mode = strict ? NetworkMode.Strict : NetworkMode.Permissive, Rules = [.. rules] });

    [Fact]
    public void Decisions_agree_with_the_naive_policy()
    {
        Gen.Select(Spec, Name, Gen.OneOf(80, 443, 8080, 22), Method, Path).Sample((spec, name, port, method, path) =>
        {
            var policy = NetworkPolicy.Compile(spec);
            var host = Policies.Host(name);
            var expected = NaivePolicy.Allows(spec, name, port, method, path);
            var decision = policy.DecideRequest(host, port, method, path);
            Assert.True(expected == decision.Allowed, $"{method} {name}:{port}{path} -> {decision}, expected {expected}");
            Assert.True(!decision.Allowed || policy.DecideHost(host, port).Allowed, "a request was allowed on a host that was not");
            Assert.True(!decision.Allowed || decision.Rule == "default (permissive)" || policy.MayResolve(host), "a request was allowed on a name that is not answered");
            Assert.Equal(decision.Allowed, decision.HowToAllow.Length == 0);
        }, iter: 20_000);
    }

    [Fact]
    public void Any_host_is_found_by_the_rules_that_a_regular_expression_finds()
    {
        Gen.Select(RuleHost.Array[1, 8], Name).Sample((rules, name) =>
        {
            var policy = Policies.Strict(rules);
            Assert.Equal(rules.Any(r => NaivePolicy.CoversHost(r, name)), policy.Allows(name));
        }, iter: 20_000);
    }

    private static class NaivePolicy
    {
        public static bool Allows(NetworkSpec spec, string host, int port, string method, string target)
        {
            var byDefault = spec.Mode == NetworkMode.Permissive;
            var rule = spec.Rules.FirstOrDefault(r => CoversHost(r.Host, host) && (r.Port == port || (r.Port is null && port is 80 or 443 && r.Port is null)));
            if (rule is null) return byDefault;
            if (rule.Requests.IsEmpty) return true;
            if (Canonical(target) is not { } path) return false;
            var request = rule.Requests.FirstOrDefault(r => CoversRequest(r, method, path));
            return request?.Allow ?? byDefault;
        }

        public static bool CoversHost(string rule, string host)
        {
            var stars = 0;
            for (; rule.StartsWith("*.", StringComparison.Ordinal); rule = rule[2..]) stars++;
            return Regex.IsMatch(host, rule == "*" ? "." : $@"\A(?:[^.]+\.){{{stars},{(stars == 0 ? "0" : "")}}}{Regex.Escape(rule)}\z");
        }

        private static bool CoversRequest(RequestRuleSpec rule, string method, string path)
        {
            var options = RegexOptions.CultureInvariant | (rule.Allow ? RegexOptions.None : RegexOptions.IgnoreCase);
            if (rule.Method != "*" && !Regex.IsMatch(method, $@"\A{rule.Method}\z", options)) return false;
            var pattern = new StringBuilder(@"\A");
            foreach (var segment in rule.Path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                pattern.Append(segment switch
                {
                    "*" => "/[^/]+",
                    "**" => "(?:/[^/]+)*",
                    _ when rule.Allow => "/" + Regex.Escape(Uri.UnescapeDataString(segment)),
                    _ => "/" + Regex.Escape(Uri.UnescapeDataString(segment).TrimEnd('.', ' ')) + "[. ]*",
                });
            }

            return Regex.IsMatch(path, pattern + @"/?\z", options);
        }

        private static string? Canonical(string target)
        {
            var path = target.Split('?')[0];
            if (path.Contains(';', StringComparison.Ordinal) || Regex.IsMatch(path, "%2f|%ff", RegexOptions.IgnoreCase)) return null;
            path = Uri.UnescapeDataString(path);
            return Regex.IsMatch(path, @"//|/\.{1,2}(?:/|\z)") ? null : path;
        }
    }
}
