using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>4c and 4d: a credential for one repository, and paths that only look like its own.</summary>
public class RequestRuleTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task T_46_a_credential_scoped_to_a_path_goes_nowhere_else(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.EditConfig("rules:", $"rules:\n    - \"{Scene.ApiHost}\": [\"deny * /repos/mine/secret/**\", \"allow GET /repos/mine/**\", \"allow POST /repos/mine/push\", \"deny * /**\"]");
        var result = await scene.Home.ScriptAsync($$"""
            ask() { curl -sS -o /dev/null -w '%{http_code} ' "$@"; }
            base=https://{{Scene.ApiHost}}
            ask $base/repos/mine/a; ask -X POST $base/repos/mine/push; echo
            ask $base/repos/other/a; ask -X DELETE $base/repos/mine/a; ask -X POST $base/repos/mine/a; ask $base/; ask $base/user; ask $base/repos/mine/secret/key; ask -X PUT $base/repos/mine/push
            ask -X POST -H 'X-HTTP-Method-Override: GET' $base/repos/mine/a; ask -H 'X-Original-URL: /repos/mine/a' $base/user; ask -H 'X-Rewrite-URL: /repos/mine/a' $base/user
            """);
        var lines = result.Out.Split('\n');
        Assert.Equal("200 200 ", lines[0]);
        Assert.Equal(10, lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All(lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries), code => Assert.Equal("403", code));
        Assert.Equal(2, scene.Upstream.Seen.Count);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task T_55_no_spelling_of_a_path_gets_past_a_rule(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.EditConfig("rules:", $"rules:\n    - \"{Scene.ApiHost}\": [\"deny * /open/closed/**\", \"deny * /open/closed\", \"allow GET /open/**\", \"deny * /**\"]");
        var lines = await SandboxNet.RunAsync(scene, $$"""
            host = "{{Scene.ApiHost}}"
            def ask(path):
                t = tls(dial((host, 443)), host)
                return code(tell(t, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")))
            print(ask("/open/fine"))
            for path in ["/open/../user", "/open/%2e%2e/user", "/open/%2E%2E/user", "/open/.%2e/user", "/open/..%2fuser", "/open/..%5cuser", "/open/..\\user", "/open/%252e%252e/user", "//user", "/open/..;/user", "/open/..;x=y/user",
                         "/open//closed/a", "/open/./closed/a", "/open/%63losed/a", "/open/c%6cosed/a", "/open/closed%2fa", "/open/closed;x/a", "/open/x/../closed/a", "/open/closed/", "/open/%closed/a", "/open/closed%00/a",
                         "/open/%ff/../../user", "/open/%c0%ae%c0%ae/user", "/open/%u002e%u002e/user", "/open/closed%09/a", "/open/\x85/../closed/a", "/%6fpen/closed/a", "http://{{Scene.ForbiddenHost}}/open/fine"]:
                print(ask(path), path.encode())
            """);
        Assert.Equal("200", lines[0]);
        Assert.Equal(29, lines.Length);
        Assert.All(lines[1..], l => Assert.Matches("^(400|403|421|closed) ", l));
        Assert.Equal("/open/fine", Assert.Single(scene.Upstream.Seen).Target);
    }
}
