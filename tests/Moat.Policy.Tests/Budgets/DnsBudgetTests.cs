using System.Globalization;
using CsCheck;

namespace Moat.Policy.Tests;

/// <summary>Attacks by names under an allowed wildcard (row T-23).</summary>
public class DnsBudgetTests
{
    private const string Rule = "*.example.org (moat.yaml:7)";

    [Theory]
    [InlineData("4d6f617420736563726574206b657931")] // hexadecimal
    [InlineData("0123456789abcdef01234567")]
    [InlineData("jvxwc5banruxg5dfnz2ca43fmnzgk5a")] // base32
    [InlineData("ab0123cdefghijklmnopqrstuvwxyz")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")] // 41 of anything
    [InlineData("xn--0123456789abcdefghijklmnopqrstuvwxyz")]
    public void T_23_a_label_of_coded_data_is_suspicious(string label)
    {
        Assert.True(DnsBudget.IsSuspiciousLabel(label));
        var budget = new DnsBudget(new Clock());
        Assert.False(budget.TryResolve(Policies.Host(label + ".example.org"), Rule, out var reason));
        Assert.NotEmpty(reason);
        Assert.False(budget.TryResolve(Policies.Host("www." + label + ".example.org"), Rule, out _));
    }

    [Theory]
    [InlineData("www")]
    [InlineData("api-v2")]
    [InlineData("d111111abcdef8")]
    [InlineData("123456789012")]
    [InlineData("productionresults-europe")]
    [InlineData("organic-space-adventure-production")]
    [InlineData("eu-west-1-prod-cluster")]
    [InlineData("this-is-a-long-but-readable-name")]
    public void An_ordinary_label_is_none(string label)
    {
        Assert.False(DnsBudget.IsSuspiciousLabel(label));
        Assert.True(new DnsBudget(new Clock()).TryResolve(Policies.Host(label + ".example.org"), Rule, out var reason));
        Assert.Empty(reason);
    }

    [Fact]
    public void The_labels_that_the_rule_itself_names_carry_nothing_out()
    {
        const string Account = "0123456789abcdef0123456789abcdef";
        var budget = new DnsBudget(new Clock());
        Assert.True(budget.TryResolve(Policies.Host($"www.{Account}.storage.example"), $"*.{Account}.storage.example:8443 (moat.yaml:7)", out _));
        Assert.True(budget.TryResolve(Policies.Host($"a.b.{Account}.storage.example"), $"*.*.{Account.ToUpperInvariant()}.storage.example (moat.yaml:7)", out _));
        Assert.False(budget.TryResolve(Policies.Host($"{Account}.storage.example"), "*.storage.example (moat.yaml:7)", out _));
        Assert.False(budget.TryResolve(Policies.Host($"x{Account}.storage.example"), $"*.{Account}.storage.example (moat.yaml:7)", out _));
        Assert.False(budget.TryResolve(Policies.Host($"{Account}.example"), "* (moat.yaml:7)", out _));
    }

    [Fact]
    public void T_23_many_short_labels_are_no_way_around()
    {
        var spread = string.Join('.', Enumerable.Repeat("jvxwc5banruxg5d", 7));
        Assert.All(spread.Split('.'), label => Assert.False(DnsBudget.IsSuspiciousLabel(label)));
        Assert.False(new DnsBudget(new Clock()).TryResolve(Policies.Host(spread + ".example.org"), Rule, out var reason));
        Assert.Contains("characters", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void T_23_a_wildcard_has_so_many_new_names_in_any_minute()
    {
        var clock = new Clock();
        var budget = new DnsBudget(clock, namesPerMinute: 3);
        Assert.True(Ask(budget, 0));
        clock.Advance(30);
        Assert.True(Ask(budget, 1));
        Assert.True(Ask(budget, 2));
        Assert.False(Ask(budget, 3));
        Assert.True(Ask(budget, 1), "a known name is free");
        clock.Advance(29);
        Assert.False(Ask(budget, 3));
        clock.Advance(1);
        Assert.True(Ask(budget, 3), "the first name is a minute old");
        Assert.False(Ask(budget, 4), "the second is not");
        Assert.True(budget.TryResolve(Policies.Host("a.other.example"), "*.other.example (moat.yaml:8)", out _), "each wildcard has its own");
        clock.Advance(60);
        Assert.True(Ask(budget, 4));
    }

    [Fact]
    public void No_minute_holds_more_new_names_than_the_budget()
    {
        Gen.Select(Gen.Int[1, 5], Gen.Int[0, 30].Array[1, 60]).Sample((limit, pauses) =>
        {
            var clock = new Clock();
            var budget = new DnsBudget(clock, limit);
            var given = new List<int>();
            for (var i = 0; i < pauses.Length; i++)
            {
                clock.Advance(pauses[i]);
                var expected = given.Count(t => clock.Seconds - t < 60) < limit;
                Assert.Equal(expected, Ask(budget, i));
                if (expected) given.Add(clock.Seconds);
            }
        }, iter: 1_000);
    }

    [Fact]
    public void T_94_a_step_of_the_wall_clock_gives_no_new_names()
    {
        var clock = new Clock();
        var budget = new DnsBudget(clock, namesPerMinute: 1);
        Assert.True(Ask(budget, 0));
        clock.Wall = DateTimeOffset.MaxValue;
        Assert.False(Ask(budget, 1));
        clock.Wall = DateTimeOffset.MinValue;
        clock.Advance(60);
        Assert.True(Ask(budget, 1));
    }

    [Fact]
    public void Threads_share_one_budget()
    {
        const int Limit = 20_000;
        var budget = new DnsBudget(new Clock(), Limit);
        var given = 0;
        Parallel.For(0, 2 * Limit, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            if (Ask(budget, i)) Interlocked.Increment(ref given);
        });
        Assert.Equal(Limit, given);
    }

    private static bool Ask(DnsBudget budget, int i) => budget.TryResolve(Policies.Host("h" + i.ToString(CultureInfo.InvariantCulture) + ".example.org"), Rule, out _);

    private sealed class Clock : TimeProvider
    {
        public int Seconds { get; private set; }

        public DateTimeOffset Wall { get; set; } = DateTimeOffset.UnixEpoch;

        public override long TimestampFrequency => 1;

        public void Advance(int seconds) => Seconds += seconds;

        public override long GetTimestamp() => Seconds;

        public override DateTimeOffset GetUtcNow() => Wall;
    }
}
