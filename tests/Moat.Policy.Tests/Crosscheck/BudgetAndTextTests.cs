using System.Globalization;
using CsCheck;

namespace Moat.Policy.Tests.Crosscheck;

public class BudgetAndTextTests
{
    [Fact]
    public void T_23_no_sixty_seconds_hold_more_new_names_than_the_budget() => Gen.Int[0, 45].Array[30, 60].Sample(steps =>
    {
        var clock = new Clock();
        var budget = new DnsBudget(clock, namesPerMinute: 4);
        var given = new List<TimeSpan>();
        for (var i = 0; i < steps.Length; i++)
        {
            clock.Elapsed += TimeSpan.FromSeconds(steps[i] > 30 ? steps[i] : 0);
            Assert.True(CanonicalHost.TryParse(string.Create(CultureInfo.InvariantCulture, $"n{i}.w.example"), out var host, out _));
            if (budget.TryResolve(host, "*.w.example (moat.yaml:3)", out _)) given.Add(clock.Elapsed);
        }

        foreach (var start in given) Assert.True(given.Count(t => t >= start && t < start + TimeSpan.FromMinutes(1)) <= 4);
    }, iter: 500);

    [Fact]
    public void T_94_a_step_of_the_wall_clock_gives_no_new_names()
    {
        var clock = new Clock();
        var budget = new DnsBudget(clock, namesPerMinute: 1);
        Assert.True(CanonicalHost.TryParse("a.w.example", out var a, out _));
        Assert.True(CanonicalHost.TryParse("b.w.example", out var b, out _));
        Assert.True(budget.TryResolve(a, "*.w.example (x)", out _));
        clock.WallStep = TimeSpan.FromDays(1);
        Assert.False(budget.TryResolve(b, "*.w.example (x)", out _));
    }

    [Fact]
    public void T_66_T_93_no_shown_text_holds_what_moves_a_terminal() => Gen.String.Sample(text =>
    {
        var shown = Printable.Text(text + "\u001b[2J\u202e\u200b\u2028\r\n\u009b\ud800\U000e0041");
        Assert.DoesNotContain(shown, c => CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
        Assert.Equal(shown, Printable.Text(shown));
    }, iter: 5_000);

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public TimeSpan WallStep { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(50) + Elapsed + WallStep;
    }
}
