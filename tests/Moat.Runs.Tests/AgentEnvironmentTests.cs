using Moat.Spec;

namespace Moat.Runs.Tests;

public class AgentEnvironmentTests
{
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
        var env = AgentEnvironment.Of(Scratch.Spec(), [], host.GetValueOrDefault, host.Keys);
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
        var env = AgentEnvironment.Of(Scratch.Spec(), grants, _ => null, []);
        Assert.Equal(grants[0].Placeholder, env["OPENAI_API_KEY"]);
        Assert.DoesNotContain(secret, env.Values);
        var clash = Scratch.Spec() with { Env = Scratch.Spec().Env.Add("OPENAI_API_KEY", "mine") };
        Assert.Throws<MoatException>(() => AgentEnvironment.Of(clash, grants, _ => null, []));
    }
}
