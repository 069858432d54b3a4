using CsCheck;
using Moat.Spec;

namespace Moat.Policy.Tests;

/// <summary>Attacks on method and path (rows T-46, T-55, T-57).</summary>
public class RequestRuleTests
{
    [Theory]
    [InlineData("/x/**", "/x", true)]
    [InlineData("/x/**", "/x/", true)]
    [InlineData("/x/**", "/x/a", true)]
    [InlineData("/x/**", "/x/a/b/c", true)]
    [InlineData("/x/**", "/xa", false)]
    [InlineData("/x/**", "/", false)]
    [InlineData("/x/**", "/x?a=/y", true)]
    [InlineData("/x/*", "/x", false)]
    [InlineData("/x/*", "/x/", false)]
    [InlineData("/x/*", "/x/a", true)]
    [InlineData("/x/*", "/x/a/b", false)]
    [InlineData("/x", "/x", true)]
    [InlineData("/x", "/x/", true)]
    [InlineData("/x/", "/x", true)]
    [InlineData("/x", "/X", false)]
    [InlineData("/x", "/x.", false)]
    [InlineData("/**", "/", true)]
    [InlineData("/**", "/a/b", true)]
    [InlineData("/", "/", true)]
    [InlineData("/", "/?a", true)]
    [InlineData("/", "/a", false)]
    [InlineData("/*", "/", false)]
    [InlineData("/**/issues", "/issues", true)]
    [InlineData("/**/issues", "/a/b/issues", true)]
    [InlineData("/**/issues", "/a/issues/b", false)]
    [InlineData("/**/issues/**", "/a/issues/b", true)]
    [InlineData("/repos/*/issues/**", "/repos/a/issues", true)]
    [InlineData("/repos/*/issues/**", "/repos/a/b/issues", false)]
    [InlineData("/**/**/a", "/a", true)]
    [InlineData("/a/**/b/**/c", "/a/b/b/x/c/c", true)]
    [InlineData("/caf%C3%A9", "/caf%c3%a9", true)]
    [InlineData("/a%20b", "/a%20b", true)]
    [InlineData("/%7Euser", "/~user", true)]
    [InlineData("/~user", "/%7euser", true)]
    [InlineData("/%2A", "/*", true)]
    [InlineData("/%2A", "/a", false)]
    [InlineData("/%2A%2A", "/a/b", false)]
    public void An_allowing_path_is_read_to_the_letter(string rule, string path, bool allowed) =>
        Assert.Equal(allowed, Policies.Scoped(NetworkMode.Strict, "a.example", $"allow GET {rule}").Allows("a.example", "GET", path));

    [Theory]
    [InlineData("/admin/**", "/admin")]
    [InlineData("/admin/**", "/Admin/keys")]
    [InlineData("/admin/**", "/%61DMIN/keys")]
    [InlineData("/admin/**", "/admin./keys")]
    [InlineData("/admin/**", "/admin%20/keys")]
    [InlineData("/admin/**", "/admin..%20")]
    [InlineData("/admin", "/admin/")]
    [InlineData("/caf%C3%A9", "/CAF%C3%89")]
    public void A_denying_path_is_read_loosely(string rule, string path) =>
        Assert.False(Policies.Scoped(NetworkMode.Permissive, "a.example", $"deny * {rule}").Allows("a.example", "GET", path));

    public static TheoryData<string> Disguised =>
    [
        // T-55: dot segments, plain and escaped in every case
        "/x/../admin", "/x/%2e%2e/admin", "/x/%2E./admin", "/x/.%2e/admin", "/./admin", "/%2e/admin", "/..", "/.", "/x/..", "/x/%2e%2E",
        // empty segments
        "//admin", "/x//admin", "//", "/x//", "///",
        // escaped separators, parameters, second codings
        "/x%2fadmin", "/x%2Fadmin", "/x%2f..%2fadmin", "/x%5cadmin", "/x%5Cadmin", "/%252e%252e/admin", "/%2561dmin", "/x%25", "/admin;x=1", "/x/..;/admin", "/;/admin", "/admin%3bx", "/admin%3Fx", "/admin%23x",
        // backslashes, fragments, controls, spaces
        "/x\\..\\admin", "\\admin", "/admin#x", "/adm\tin", "/admin ", " /admin", "/admin\r\nX: y", "/admin\0", "/admin%00", "/admin%0d%0a", "/admin%7f", "/admin%1f",
        // T-57: invalid UTF-8, broken escapes, raw bytes
        "/%ff%fe", "/%c0%ae%c0%ae/admin", "/%c0%af", "/%e0%80%af", "/%ed%a0%80", "/%f8%88%80%80%80", "/%c3", "/%", "/%4", "/%zz", "/%u0061", "/\u00ff", "/é", "/\ud800", "/％2e",
        // characters that become a dot or a slash by normalisation or best fit
        "/x%ef%bc%8fadmin", "/%ef%bc%8e%ef%bc%8e/admin", "/x%e2%88%95admin", "/%e2%80%a5/admin", "/x%e2%81%84admin", "/x%ef%bc%bcadmin",
        // no path in origin form
        "", "*", "?", "admin", "http://a.example/x", "a.example:443",
    ];

    [Theory]
    [MemberData(nameof(Disguised))]
    public void T_55_T_57_a_path_that_can_be_read_in_two_ways_is_denied_where_rules_decide(string path)
    {
        var strict = Policies.Scoped(NetworkMode.Strict, "a.example", "deny * /admin/**", "allow * /**");
        var permissive = Policies.Scoped(NetworkMode.Permissive, "a.example", "deny * /admin/**");
        foreach (var policy in (NetworkPolicy[])[strict, permissive])
        {
            var decision = policy.DecideRequest(Policies.Host("a.example"), 443, "GET", path);
            Assert.False(decision.Allowed);
            Assert.NotEmpty(decision.Reason);
            Assert.DoesNotContain(decision.Rule + decision.Reason + decision.HowToAllow, char.IsControl);
        }

        Assert.True(Policies.Strict("a.example").Allows("a.example", "GET", path), "without request rules no path decides anything");
    }

    [Theory]
    [InlineData("/a/b?x=../..//;%2f%zz\\#")]
    [InlineData("/a/...")]
    [InlineData("/a/.hidden")]
    [InlineData("/a/b..c")]
    [InlineData("/a/%E6%97%A5%E6%9C%AC")]
    [InlineData("/a/x%20y+z")]
    [InlineData("/a/@scope%40x,y:z=1!$&'()")]
    public void An_ordinary_path_and_any_query_are_no_disguise(string path) =>
        Assert.True(Policies.Scoped(NetworkMode.Strict, "a.example", "allow GET /a/**").Allows("a.example", "GET", path));

    [Theory]
    [InlineData("GET", true)]
    [InlineData("get", false)]
    [InlineData("Get", false)]
    [InlineData("GET ", false)]
    [InlineData("GETX", false)]
    [InlineData("", false)]
    [InlineData("POST", false)]
    public void T_55_an_allowing_method_is_read_to_the_letter(string method, bool allowed) =>
        Assert.Equal(allowed, Policies.Scoped(NetworkMode.Strict, "a.example", "allow GET /**").Allows("a.example", method, "/"));

    [Theory]
    [InlineData("DELETE")]
    [InlineData("delete")]
    [InlineData("DeLeTe")]
    public void T_55_a_denying_method_ignores_case(string method)
    {
        Assert.False(Policies.Scoped(NetworkMode.Permissive, "a.example", "deny DELETE /**").Allows("a.example", method, "/"));
        Assert.False(Policies.Scoped(NetworkMode.Strict, "a.example", "deny DELETE /**", "allow * /**").Allows("a.example", method, "/"));
    }

    [Theory]
    [InlineData("GET", "/repos/mine/pulls", true)]
    [InlineData("POST", "/repos/mine/git/refs", true)]
    [InlineData("POST", "/repos/other/git/refs", false)]
    [InlineData("POST", "/repos/mine-too/git/refs", false)]
    [InlineData("POST", "/repos/mine/../other/git/refs", false)]
    [InlineData("DELETE", "/repos/mine", false)]
    [InlineData("POST", "/graphql", false)]
    public void T_46_a_rule_keeps_a_credential_to_one_repository(string method, string path, bool allowed)
    {
        var policy = Policies.Compile(NetworkMode.Strict, Policies.Rule("api.example", "allow GET /**", "allow POST /repos/mine/**"), new HostRuleSpec("api.example", null, [], "grant x"));
        Assert.Equal(allowed, policy.Allows("api.example", method, path));
    }

    [Fact]
    public void The_first_match_decides_and_none_is_the_mode()
    {
        var rules = (string[])["deny GET /a/b", "allow GET /a/**", "deny * /**"];
        var strict = Policies.Scoped(NetworkMode.Strict, "a.example", rules);
        Assert.False(strict.Allows("a.example", "GET", "/a/b"));
        Assert.True(strict.Allows("a.example", "GET", "/a/c"));
        Assert.False(strict.Allows("a.example", "POST", "/a/c"));
        Assert.False(Policies.Scoped(NetworkMode.Strict, "a.example", "deny GET /a").Allows("a.example", "GET", "/b"));
        Assert.True(Policies.Scoped(NetworkMode.Permissive, "a.example", "deny GET /a").Allows("a.example", "GET", "/b"));
    }

    [Fact]
    public void A_host_says_whether_requests_decide()
    {
        var policy = Policies.Compile(NetworkMode.Strict, Policies.Rule("a.example:80", "allow GET /**"), Policies.Rule("a.example"));
        Assert.True(policy.HasRequestRules(Policies.Host("a.example"), 80));
        Assert.False(policy.HasRequestRules(Policies.Host("a.example"), 443));
        Assert.False(policy.HasRequestRules(Policies.Host("b.example"), 443));
    }

    [Fact]
    public void T_57_a_long_path_against_many_stars_is_decided_in_linear_steps()
    {
        // Backtracking into each ** would try over 10^20 ways here.
        var policy = Policies.Scoped(NetworkMode.Strict, "a.example", "allow GET /" + string.Concat(Enumerable.Repeat("**/a/", 12)) + "b");
        var path = string.Concat(Enumerable.Repeat("/a", 4000));
        Assert.False(policy.Allows("a.example", "GET", path));
        Assert.True(policy.Allows("a.example", "GET", path + "/b"));
    }

    [Fact]
    public void T_57_nothing_that_a_client_sends_makes_a_decision_throw()
    {
        var policy = Policies.Scoped(NetworkMode.Strict, "a.example", "deny * /b", "allow GET /a/**");
        Gen.Select(Gen.String, Gen.String, Gen.Int[-1, 70_000]).Sample((method, path, port) =>
        {
            policy.DecideRequest(Policies.Host("a.example"), port, method, path);
            policy.DecideRequest(Policies.Host("a.example"), 443, method, "/" + path);
        }, iter: 10_000);
    }
}
