using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>Secrets of the host that a run may use, and grants that are not there yet.</summary>
public class SecretTests
{
    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_secret_reaches_its_host_and_the_agent_never_holds_it(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Home.Env["HOST_KEY"] = scene.Secret;
        var file = scene.Home.Write(Path.Combine(scene.Home.Root, "kept"), scene.Secret + "\n");
        scene.EditConfig("grants: [upstream]", $$"""
            secrets:
              FILE_KEY: {from: "file://{{file}}", hosts: [{{Scene.ApiHost}}]}
              CMD_KEY: {from: "cmd://cat {{file}}", hosts: [{{Scene.EchoHost}}]}
            """);
        var result = await scene.Home.ScriptAsync($"""
            env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null
            curl -sS -H "Authorization: Bearer $HOST_KEY" https://{Scene.ApiHost}/one
            curl -sS -H "X-Api-Key: $FILE_KEY" https://{Scene.ApiHost}/two
            curl -sS -u "robot:$CMD_KEY" https://{Scene.EchoHost}/three
            curl -sS -H "X-Api-Key: $FILE_KEY" https://{Scene.EchoHost}/four
            curl -sS -H "X-Api-Key: $HOST_KEY" "https://{Scene.ApiHost}/reflect?q=$HOST_KEY"
            """, "--secret", $"HOST_KEY@{Scene.ApiHost}");
        Assert.True(result.ExitCode == 0, result.ToString());
        var seen = scene.Upstream.Seen.ToArray();
        Assert.Equal(["Bearer " + scene.Secret], seen[0].Header("Authorization"));
        Assert.Equal([scene.Secret], seen[1].Header("X-Api-Key"));
        Assert.Equal(["Basic " + Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes("robot:" + scene.Secret))], seen[2].Header("Authorization"));
        Assert.NotEqual([scene.Secret], seen[3].Header("X-Api-Key"));
        Assert.Equal([scene.Secret], seen[4].Header("X-Api-Key"));
        Assert.DoesNotContain(scene.Secret, seen[4].Target, StringComparison.Ordinal);
        scene.AssertNoSecretIn("the output", result.Out + result.Err);
        File.Delete(file);
        scene.AssertNoSecretOnDisk();
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_secret_that_is_exposed_is_in_the_log_by_its_name_and_never_by_its_value(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Home.Env["HOST_KEY"] = scene.Secret;
        scene.EditConfig("grants: [upstream]", "secrets: {PLAIN: {from: env://HOST_KEY, expose: true}}");
        var result = await scene.Home.ScriptAsync("printf %s $PLAIN | sha256sum");
        Assert.StartsWith(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(scene.Secret))), result.Out, StringComparison.Ordinal);
        var audit = await scene.Home.MoatAsync("audit");
        Assert.Contains("PLAIN", audit.Out, StringComparison.Ordinal);
        scene.AssertNoSecretOnDisk();
    }

    [Theory, MemberData(nameof(Users))]
    public async Task What_is_missing_is_told_before_anything_starts(string user)
    {
        using var home = ExitCodeTests.NewHome(user);
        (string[] Flags, string Problem, string Mend)[] cases =
        [
            (["--grant", "openai"], "the grant openai is not stored", "run: moat grant openai"),
            (["--grant", "openai,mcp:linear"], "the grants openai, mcp:linear are not stored", "moat grant openai && moat grant mcp:linear"),
            (["--grant", "openai", "--profile", "work"], "not stored in the profile work", "moat grant openai --profile work"),
            (["--all-creds"], "the grants github, npm, aws are not stored", "moat grant github && moat grant npm && moat grant aws"),
            (["--git-creds", "--gh-creds"], "the grant github is not stored", "moat grant github"),
            (["--npm-creds"], "the grant npm is not stored", "moat grant npm"),
            (["--ssh-creds"], "--ssh-creds: no grant for SSH is stored", "moat grant ssh --host"),
            (["--ssh-agent"], "--ssh-agent: no grant for SSH is stored", "moat grant ssh --host"),
            (["--secret", "NOT_SET@api.example.org"], "this shell has no variable NOT_SET", "set NOT_SET"),
            (["--secret", "KEY=hunter2hunter2"], "names no host", "--secret NAME@"),
        ];
        foreach (var (flags, problem, mend) in cases)
        {
            var result = await home.MoatAsync(["run", home.Workspace, "--config", home.ConfigFile, .. flags, "--", "echo", "ran"]);
            Assert.Equal(125, result.ExitCode);
            Assert.Contains(problem, result.Err, StringComparison.Ordinal);
            Assert.Contains(mend, result.Err, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", result.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("ran", result.Out, StringComparison.Ordinal);
        }

        Assert.Equal("[]", (await home.MoatAsync("list", "--json")).Out.Trim());
    }
}
