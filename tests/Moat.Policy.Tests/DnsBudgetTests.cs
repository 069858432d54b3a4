namespace Moat.Policy.Tests;

public class DnsBudgetTests
{
    [Fact]
    public void T_23_new_names_under_a_wildcard_are_counted_and_known_ones_are_free()
    {
        var clock = new Clock();
        var budget = new DnsBudget(clock, namesPerMinute: 3);
        foreach (var name in (string[])["a.w.example", "b.w.example", "c.w.example"]) Assert.True(budget.TryResolve(Hosts.Of(name), "w", out _));
        Assert.False(budget.TryResolve(Hosts.Of("d.w.example"), "w", out var reason));
        Assert.NotEmpty(reason);
        Assert.True(budget.TryResolve(Hosts.Of("a.w.example"), "w", out _));
        Assert.True(budget.TryResolve(Hosts.Of("d.x.example"), "another rule", out _));
        clock.Now += TimeSpan.FromSeconds(61);
        Assert.True(budget.TryResolve(Hosts.Of("d.w.example"), "w", out _));
    }

    [Theory]
    [InlineData("api", false)]
    [InlineData("eu-west-1-prod-cluster", false)]
    [InlineData("this-is-a-long-but-readable-name", false)]
    [InlineData("mfrggzdfmztwq2lknnwg23tpoa4dsmq", true)]
    [InlineData("4f3c2a1b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e", true)]
    public void T_23_a_label_that_looks_like_coded_data_is_told(string label, bool suspicious) => Assert.Equal(suspicious, DnsBudget.IsSuspiciousLabel(label));

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
