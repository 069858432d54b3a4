using CsCheck;

namespace Moat.Policy.Tests;

public sealed class PolicySuggestionTests
{
    private static readonly Gen<RecordedUse> s_use = Gen.Select(
        Gen.OneOf("api.example.org", "192.0.2.7", "deep.api.example.org"),
        Gen.OneOf(443, 8443),
        Gen.OneOf("GET", "POST", "PROPFIND"),
        Gen.OneOf("/", "/a", "/a/b?q=1", "/quo\\te\"*", "/*", "/a%20b", "/%C3%A9/x"),
        Gen.OneOf<string[]>([], ["github"], ["github", "mcp:linear"]),
        Gen.OneOf(RecordedUseKind.Request, RecordedUseKind.Request, RecordedUseKind.Connect, RecordedUseKind.Credential, RecordedUseKind.Tool),
        (host, port, method, path, grants, kind) => kind switch
        {
            RecordedUseKind.Request => Use(host, port, method, path, grants),
            RecordedUseKind.Connect => new RecordedUse(kind, Host(host), port, "", "", [], ""),
            RecordedUseKind.Credential => new RecordedUse(kind, Host(host), port, "SIGN", "/", ["ssh:" + host], ""),
            _ => new RecordedUse(kind, Host(host), port, "", "", [], "read_file"),
        });

    [Fact]
    public void A_suggested_policy_permits_all_that_was_done_and_nothing_that_was_not() =>
        Gen.Select(s_use.Array[1, 12], s_use.Array[12]).Sample(
            (done, others) =>
            {
                done = [.. done.Where(use => use.Path.Length == 0 || Plain(use) is not null).DefaultIfEmpty(Use("api.example.org", 443, "GET", "/", []))];
                var policy = Suggested([.. done, Use("api.example.org", 443, "GET", "/two\\ways", [])]);
                Assert.All(done, use => Assert.True(use.Ask(policy).Allowed, use.Text + ": " + use.Ask(policy).Reason));
                // The kinds that the runs did not use at all are no business of the policy.
                Assert.All(others.Where(other => other.Kind == RecordedUseKind.Request && done.Any(use => use.Kind == RecordedUseKind.Request)), other =>
                {
                    var known = done.Where(use => use.Kind == RecordedUseKind.Request && use.Host == other.Host && use.Method == other.Method).ToList();
                    var bare = other with { Grants = [] };
                    Assert.Equal(known.Any(use => use.Port == other.Port) && Plain(other) is { } path && known.Any(use => Plain(use) == path), bare.Ask(policy).Allowed);
                });
            },
            iter: 500);

    [Fact]
    public void Of_many_paths_the_deepest_folder_that_holds_them_all_is_permitted()
    {
        var policy = Suggested([.. Enumerable.Range(0, PolicySuggestion.MostPaths + 1).Select(i => Use("api.example.org", 443, "GET", $"/repos/me/*{i}/x", []))]);
        Assert.True(Use("api.example.org", 443, "GET", "/repos/me/other", []).Ask(policy).Allowed);
        Assert.False(Use("api.example.org", 443, "GET", "/repos/you/other", []).Ask(policy).Allowed);
        Assert.False(Use("api.example.org", 443, "GET", "/repos/me", []).Ask(policy).Allowed);
    }

    [Fact]
    public void A_credential_stays_with_its_host_method_and_path()
    {
        var policy = Suggested([Use("api.example.org", 443, "GET", "/user", ["github"]), Use("api.example.org", 443, "GET", "/open", [])]);
        Assert.True(Use("api.example.org", 443, "GET", "/user", ["github"]).Ask(policy).Allowed);
        Assert.False(Use("api.example.org", 443, "GET", "/open", ["github"]).Ask(policy).Allowed);
        Assert.False(Use("api.example.org", 443, "GET", "/user", ["other"]).Ask(policy).Allowed);
    }

    [Fact]
    public void Nothing_done_suggests_nothing() => Assert.Equal("", PolicySuggestion.Write([]));

    private static RequestPolicy Suggested(RecordedUse[] uses) => RequestPolicy.Compile(PolicyFile.Read(PolicySuggestion.Write(uses), "suggested.cedar"), "run", agent: "");

    private static string? Plain(RecordedUse use) => RequestPolicy.CanonicalPath(use.Path);

    private static RecordedUse Use(string host, int port, string method, string path, string[] grants) =>
        new(RecordedUseKind.Request, Host(host), port, method, path, [.. grants], "");

    private static CanonicalHost Host(string text)
    {
        Assert.True(CanonicalHost.TryParse(text, out var host, out _));
        return host;
    }
}
