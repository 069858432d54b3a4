using CsCheck;
using Moat.Spec;

namespace Moat.Policy.Tests.Crosscheck;

/// <summary>Rules against a second reading: label lists from the right, paths by a table of prefixes; no regular expression, no index.</summary>
public class RuleTableTests
{
    [Fact]
    public void Rules_read_by_tables_give_the_same_answers()
    {
        var label = Pick("a", "b", "example");
        var name = label.Array[1, 5].Select(l => string.Join('.', l));
        var pattern = Gen.OneOf(Gen.Select(Gen.Int[0, 3], name).Select((stars, n) => string.Concat(Enumerable.Repeat("*.", stars)) + n), Gen.Const("*"));
        var target = Pick("x", "X", "y", "xy").Array[0, 5].Select(s => "/" + string.Join('/', s));
        var glob = Pick("x", "X", "y", "*", "**").Array[1, 5].Select(s => "/" + string.Join('/', s));
        var request = Gen.Select(Gen.Bool, Pick("GET", "POST", "*"), glob).Select((allow, method, path) => new RequestRuleSpec(allow, method, path));
        var rule = Gen.Select(pattern, Pick(0, 443, 80, 8443), request.Array[0, 4]).Select((h, port, r) => new HostRuleSpec(h, port == 0 ? null : port, [.. r], "t"));
        Gen.Select(rule.Array[0, 6], name, Pick(80, 443, 8443, 22), Pick("GET", "get", "POST", "DELETE"), target, Gen.Bool).Sample((rules, host, port, method, path, strict) =>
        {
            var policy = NetworkPolicy.Compile(new NetworkSpec { Mode = strict ? NetworkMode.Strict : NetworkMode.Permissive, Rules = [.. rules] });
            Assert.True(CanonicalHost.TryParse(host, out var canonical, out _));
            var expected = Naive(rules, host, port, method, path) ?? !strict;
            Assert.Equal(expected, policy.DecideRequest(canonical, port, method, path).Allowed);

            // A handshake may only be refused where no request could pass, and a name only where no handshake could.
            if (expected) Assert.True(policy.DecideHost(canonical, port).Allowed);
            if (expected && port != 22) Assert.True(policy.MayResolve(canonical));
        }, iter: 30_000);
    }

    [Fact(Timeout = 20_000)]
    public async Task T_57_a_rule_with_many_double_stars_cannot_be_made_to_hang()
    {
        var pattern = "/" + string.Join('/', Enumerable.Repeat("**/a", 12)) + "/z";
        var policy = NetworkPolicy.Compile(new NetworkSpec { Mode = NetworkMode.Permissive, Rules = [new HostRuleSpec("a.example", null, [new RequestRuleSpec(false, "*", pattern)], "t")] });
        Assert.True(CanonicalHost.TryParse("a.example", out var host, out _));
        var path = string.Concat(Enumerable.Repeat("/a", 2000));
        Assert.True(await Task.Run(() => policy.DecideRequest(host, 443, "GET", path).Allowed, TestContext.Current.CancellationToken));
        Assert.False(policy.DecideRequest(host, 443, "GET", path + "/z").Allowed);
    }

    private static bool? Naive(HostRuleSpec[] rules, string host, int port, string method, string path)
    {
        foreach (var rule in rules)
        {
            if (rule.Port is null ? port != 80 && port != 443 : port != rule.Port) continue;
            if (!Covers(rule.Host.Split('.'), host.Split('.'))) continue;
            if (rule.Requests.IsEmpty) return true;
            foreach (var r in rule.Requests)
            {
                var loose = !r.Allow;
                if (r.Method != "*" && r.Method != (loose ? method.ToUpperInvariant() : method)) continue;
                if (Fits(Segments(loose ? r.Path.ToUpperInvariant() : r.Path), Segments(loose ? path.ToUpperInvariant() : path))) return r.Allow;
            }

            return null;
        }

        return null;
    }

    private static bool Covers(string[] pattern, string[] host)
    {
        if (pattern is ["*"]) return true;
        var stars = pattern.TakeWhile(l => l == "*").Count();
        var tail = pattern.Skip(stars).ToArray();
        return (stars == 0 ? host.Length == tail.Length : host.Length >= tail.Length + stars) && host.TakeLast(tail.Length).SequenceEqual(tail);
    }

    private static string[] Segments(string path) => path == "/" ? [] : path[1..].Split('/');

    private static bool Fits(string[] glob, string[] path)
    {
        var fits = new bool[glob.Length + 1, path.Length + 1];
        fits[0, 0] = true;
        for (var g = 1; g <= glob.Length; g++)
        {
            for (var p = 0; p <= path.Length; p++)
            {
                fits[g, p] = glob[g - 1] == "**" ? fits[g - 1, p] || (p > 0 && fits[g, p - 1]) : p > 0 && fits[g - 1, p - 1] && (glob[g - 1] == "*" || glob[g - 1] == path[p - 1]);
            }
        }

        return fits[glob.Length, path.Length];
    }

    private static Gen<T> Pick<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);
}
