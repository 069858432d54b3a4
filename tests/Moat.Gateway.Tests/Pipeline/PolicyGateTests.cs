using Moat.Gateway.Pipeline;
using Moat.Policy;

namespace Moat.Gateway.Tests.Pipeline;

public sealed class PolicyGateTests
{
    [Fact]
    public void Every_question_after_a_replacement_is_the_new_policys()
    {
        Assert.True(CanonicalHost.TryParse("api.example.org", out var host, out _));
        var gate = new PolicyGate(Scene.PolicyOf("permit (principal, action, resource);"), shadow: false);
        Assert.Null(gate.Connect(host, 443));
        Assert.Null(gate.Signature("ssh:api.example.org", host, 22));
        Assert.Null(gate.Session("postgres:api.example.org", host, 5432, out _));
        gate.Replace(Scene.PolicyOf("forbid (principal, action, resource);"));
        Assert.NotNull(gate.Connect(host, 443));
        Assert.NotNull(gate.Signature("ssh:api.example.org", host, 22));
        Assert.NotNull(gate.Session("postgres:api.example.org", host, 5432, out _));
    }
}
