using Moat.EndToEnd.Tests.Harness;

namespace Moat.EndToEnd.Tests;

/// <summary>A Cedar policy on a real run: what it says holds, beside the network rules, or the run does not start.</summary>
public class PolicyTests
{
    private const string Permits = $$"""
        permit (principal, action == Action::"NetworkConnect", resource in DnsZone::"upstream.test");
        permit (principal, action == Action::"HttpRequest", resource in DnsZone::"upstream.test")
        when { context.method == "GET" };
        forbid (principal, action == Action::"HttpRequest", resource == Host::"{{Scene.ApiHost}}")
        when { context.path like "/admin*" };
        permit (principal, action == Action::"CredentialUse", resource == Credential::"upstream")
        unless { context.path like "/keyless*" };
        """;

    private const string Asks = $$"""
        ask() { curl -sS -o answer -w '%{http_code} ' "$@"; }
        base=https://{{Scene.ApiHost}}
        ask $base/fine; ask $base/admin; ask $base/%61dmin/x; ask -X POST $base/fine; ask $base/keyless; ask -X POST -H 'X-HTTP-Method-Override: GET' $base/fine
        """;

    public static TheoryData<string> Users() => Binary.Users();

    [Theory, MemberData(nameof(Users))]
    public async Task A_request_goes_out_where_the_policy_permits_it_and_nowhere_else(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync(Asks, "--policy", Policy(scene, Permits), "--name", "held");

        Assert.Equal("200 403 403 403 403 403 ", result.Out);
        Assert.Equal("/fine", Assert.Single(scene.Upstream.Seen).Target);
        Assert.Contains("policy2 (p.cedar:4)", result.Err, StringComparison.Ordinal);
        var log = (await scene.Home.MoatAsync("audit", "held", "--json")).Out;
        Assert.Contains("\"policy\": \"policy1 (p.cedar:2)\"", log, StringComparison.Ordinal);
        Assert.Contains("\"rule\": \"policy2 (p.cedar:4)\"", log, StringComparison.Ordinal);
        Assert.Contains("\"policy_mode\": \"enforce\"", log, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_recorded_run_suggests_the_policy_that_it_needs_and_two_policies_are_compared_over_it(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        await scene.Home.ScriptAsync($"for at in fine other; do curl -sS -o answer https://{Scene.ApiHost}/$at; done", "--name", "learn");
        var learned = Path.Combine(scene.Home.Root, "learned.cedar");
        var suggested = await scene.Home.MoatAsync("policy", "suggest", "learn", "--out", learned);
        Assert.Equal(0, suggested.ExitCode);
        Assert.Contains("would have denied 0 of 2", suggested.Err, StringComparison.Ordinal);

        // What it was learned from goes through, and what it does not know does not.
        var result = await scene.Home.ScriptAsync(
            $"for at in fine other new; do curl -sS -o answer -w '%{{http_code}} ' https://{Scene.ApiHost}/$at; done", "--policy", learned);
        Assert.Equal("200 200 403 ", result.Out);

        var narrow = Path.Combine(scene.Home.Root, "narrow.cedar");
        scene.Home.Write(narrow, (await File.ReadAllTextAsync(learned, TestContext.Current.CancellationToken)) + "forbid (principal, action == Action::\"HttpRequest\", resource) when { context.path == \"/other\" };");
        Assert.Equal(0, (await scene.Home.MoatAsync("policy", "diff", learned, learned, "learn")).ExitCode);
        var diff = await scene.Home.MoatAsync("policy", "diff", learned, narrow, "learn");
        Assert.Equal(1, diff.ExitCode);
        Assert.Contains("/other", diff.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("/fine", diff.Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_denial_names_the_statement_and_its_line(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, Permits);
        var forbidden = await scene.Home.ScriptAsync($"curl -sS https://{Scene.ApiHost}/admin", "--policy", policy);
        Assert.Contains("\"rule\":\"policy2 (p.cedar:4)\"", forbidden.Out, StringComparison.Ordinal);
        var unpermitted = await scene.Home.ScriptAsync($"curl -sS -X PUT https://{Scene.ApiHost}/x", "--policy", policy);
        Assert.Contains("no statement of the policy permits this HttpRequest", unpermitted.Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task The_network_rules_hold_beside_the_policy(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync(
            $"curl -sS -o answer -w '%{{http_code}}' https://{Scene.ForbiddenHost}/ || true; cat answer", "--policy", Policy(scene, Permits));

        Assert.DoesNotContain("200", result.Out, StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Seen);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_tunnel_to_a_host_without_a_permit_is_refused(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var lines = await SandboxNet.RunAsync(scene, $"print(tunnel(\"{Scene.EchoHost}:443\")[1])");
        Assert.Contains("200", lines[0], StringComparison.Ordinal);
        scene.Home.Write(Path.Combine(scene.Home.Root, "p.cedar"), $"permit (principal, action == Action::\"NetworkConnect\", resource == Host::\"{Scene.ApiHost}\");");
        scene.EditConfig("name: scene", "name: scene\npolicy: p.cedar");
        lines = await SandboxNet.RunAsync(scene, $"print(tunnel(\"{Scene.EchoHost}:443\")[1]); print(tunnel(\"{Scene.ApiHost}:443\")[1])");
        Assert.Contains("403", lines[0], StringComparison.Ordinal);
        Assert.Contains("200", lines[1], StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_shadow_policy_records_what_it_would_deny_and_denies_nothing(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync(Asks, "--policy", Policy(scene, Permits), "--policy-mode", "shadow", "--name", "shadow");

        Assert.Equal("200 200 200 200 200 200 ", result.Out);
        var log = (await scene.Home.MoatAsync("audit", "shadow", "--json")).Out;
        Assert.Contains("\"would_deny\": \"policy2 (p.cedar:4)\"", log, StringComparison.Ordinal);
        Assert.Contains("\"would_deny\": \"policy\"", log, StringComparison.Ordinal);
        Assert.Contains("\"policy_mode\": \"shadow\"", log, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_statement_that_cannot_be_enforced_does_not_start_and_a_downgrade_is_recorded(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var policy = Policy(scene, Permits + "\nforbid (principal, action == Action::\"ProcessExec\", resource) when { context.cwd == \"/tmp\" };");
        var refused = await scene.Home.ScriptAsync("touch ran", "--policy", policy);
        Assert.Equal(125, refused.ExitCode);
        Assert.Contains("p.cedar:8:", refused.Err, StringComparison.Ordinal);
        Assert.Contains("policy4", refused.Err, StringComparison.Ordinal);
        Assert.Contains("--downgrade policy-exec", refused.Err, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(scene.Home.Workspace, "ran")));

        var accepted = await scene.Home.ScriptAsync($"curl -sS -o answer -w '%{{http_code}}' https://{Scene.ApiHost}/admin", "--policy", policy, "--downgrade", "policy-exec", "--name", "down");
        Assert.Equal("403", accepted.Out);
        Assert.Contains("policy-exec", (await scene.Home.MoatAsync("audit", "down", "--json")).Out, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_broken_policy_is_refused_with_line_and_column(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        var result = await scene.Home.ScriptAsync("touch ran", "--policy", Policy(scene, "permit (principal, action, resource);\nforbid (principal, acton, resource);\n"));

        Assert.Equal(125, result.ExitCode);
        Assert.Matches(@"p\.cedar:2:\d+: ", result.Err);
        Assert.False(File.Exists(Path.Combine(scene.Home.Workspace, "ran")));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_policy_that_the_agent_could_write_is_not_taken_from_the_command_line(string user)
    {
        await using var scene = await Scene.StartAsync(user);
        scene.Put("p.cedar", Permits);
        var result = await scene.Home.ScriptAsync("touch ran", "--policy", Path.Combine(scene.Home.Workspace, "p.cedar"));

        Assert.Equal(125, result.ExitCode);
        Assert.Contains("moat.yaml", result.Err, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(scene.Home.Workspace, "ran")));
    }

    [Theory, MemberData(nameof(Users))]
    public async Task A_policy_in_the_workspace_is_part_of_what_is_trusted(string user)
    {
        using var home = new MoatHome(user);
        home.Write(Path.Combine(home.Workspace, "moat.yaml"), "policy: p.cedar\n");
        var policy = home.Write(Path.Combine(home.Workspace, "p.cedar"), "forbid (principal, action == Action::\"NetworkConnect\", resource);\n");
        Assert.Equal(0, (await home.MoatAsync("trust", home.Workspace, "--yes")).ExitCode);
        string[] run = ["run", home.Workspace, "--no-prompt", "--dry-run", "--", "true"];
        var trusted = await home.MoatAsync(run);
        Assert.True(trusted.ExitCode == 0, trusted.ToString());
        Assert.Contains("forbid (principal", trusted.Out, StringComparison.Ordinal);

        home.Write(policy, "permit (principal, action, resource);\n");
        var changed = await home.MoatAsync(run);
        Assert.Equal(125, changed.ExitCode);
        Assert.Contains("not trusted", changed.Err, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Users))]
    public async Task Without_network_rules_the_policy_decides_alone_and_guards_hold(string user)
    {
        using var home = new MoatHome(user);
        home.Write(home.ConfigFile, "name: alone\n");
        var policy = home.Write(Path.Combine(home.Root, "p.cedar"), "permit (principal, action, resource) unless { resource in [Host::\"*.closed.test\"] };\n");
        Assert.Contains("\"permissive\"", (await home.MoatAsync("run", home.Workspace, "--config", home.ConfigFile, "--policy", policy, "--dry-run", "--", "true")).Out, StringComparison.OrdinalIgnoreCase);
        var result = await home.ScriptAsync("for host in 169.254.169.254 10.0.0.1 127.0.0.1 a.closed.test; do curl -sS -o /dev/null -w '%{http_code} ' --noproxy '' -x http://127.0.0.1:3128 http://$host/; done", "--policy", policy);

        Assert.Equal("403 403 403 403 ", result.Out);
    }

    private static string Policy(Scene scene, string text) => scene.Home.Write(Path.Combine(scene.Home.Root, "p.cedar"), text);
}
