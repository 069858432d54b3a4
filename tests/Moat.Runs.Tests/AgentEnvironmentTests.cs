using Moat.Credentials;
using Moat.Spec;

namespace Moat.Runs.Tests;

public class AgentEnvironmentTests
{
    private static readonly Dictionary<string, Secret> NoSecrets = [];

    [Fact]
    public void Nothing_of_the_host_gets_in_but_what_is_listed()
    {
        var host = new Dictionary<string, string>
        {
            ["AWS_SECRET_ACCESS_KEY"] = "leak",
            ["SSH_AUTH_SOCK"] = "leak",
            ["LD_PRELOAD"] = "leak",
            ["PATH"] = "leak",
            ["HOME"] = "leak",
            ["LC_ALL"] = "C.UTF-8",
            ["TERM"] = "xterm",
        };
        var env = AgentEnvironment.Of(Scratch.Spec(), [], NoSecrets, host.GetValueOrDefault, host.Keys);
        Assert.DoesNotContain("leak", env.Values);
        Assert.Equal("C.UTF-8", env["LC_ALL"]);
        Assert.Equal("xterm", env["TERM"]);
    }

    [Fact]
    public void A_grant_puts_its_placeholder_in_and_never_its_secret()
    {
        using var scratch = new Scratch();
        var secret = Scratch.NewSecret();
        var grants = scratch.Grant(secret);
        var env = AgentEnvironment.Of(Scratch.Spec(), grants, NoSecrets, _ => null, []);
        Assert.Equal(grants[0].Placeholder, env["OPENAI_API_KEY"]);
        Assert.DoesNotContain(secret, env.Values);
        var clash = Scratch.Spec() with { Env = Scratch.Spec().Env.Add("OPENAI_API_KEY", "mine") };
        Assert.Throws<MoatException>(() => AgentEnvironment.Of(clash, grants, NoSecrets, _ => null, []));
    }

    [Fact]
    public void A_secret_is_handed_to_the_agent_only_where_it_is_exposed_by_name()
    {
        using var value = Secret.FromText("the-value-itself");
        var secrets = new Dictionary<string, Secret> { ["A"] = value, ["B"] = value };
        var spec = Scratch.Spec() with { Secrets = [new SecretSpec("A", "env://A") { Expose = true }, new SecretSpec("B", "env://B") { Hosts = ["a.example"] }] };
        var env = AgentEnvironment.Of(spec, [], secrets, _ => null, []);
        Assert.Equal("the-value-itself", env["A"]);
        Assert.False(env.ContainsKey("B"));
        Assert.Throws<MoatException>(() => AgentEnvironment.Of(spec with { Env = spec.Env.Add("A", "x") }, [], secrets, _ => null, []));
    }
}
