using System.Text.Json;
using Moat.Kernel.Tests.Machine;

namespace Moat.Kernel.Tests;

/// <summary>Rules that change, events in floods, a supervisor that dies: told by the guest in the one boot.</summary>
public sealed class ScenarioTests(VirtualMachine machine)
{
    [Fact]
    public void The_probe_finds_the_programs_accepted() => Assert.True(machine.Result("probe", "guest").GetProperty("available").GetBoolean());

    [Fact]
    public void Of_two_rules_on_one_path_the_denial_wins_in_each_of_twenty_loads() => Assert.Equal(20, Number("equal_paths", "denied"));

    [Fact]
    public void The_last_of_four_thousand_rules_is_held() => Assert.Equal(1, Number("many_rules", "after"));

    [Fact]
    public void When_all_rules_are_taken_away_nothing_stale_denies() => Assert.Equal(0, Number("no_rules", "after"));

    [Fact]
    public void A_rules_path_begins_at_the_root_that_is_given()
    {
        Assert.Equal(1, Number("other_root", "after"));
        Assert.Equal(0, Number("other_root", "free"));
    }

    [Fact]
    public void In_shadow_a_denial_is_told_and_let_through()
    {
        Assert.Equal(0, Number("shadow", "after"));
        Assert.True(Number("shadow", "let_through") > 0);
    }

    [Fact]
    public void No_open_slips_between_two_generations_that_both_refuse_it() => Assert.Equal(1, Number("reload", "after"));

    [Fact]
    public void An_exec_that_is_allowed_is_told_with_its_path() => Assert.Equal(1, Number("observation", "execs"));

    [Fact]
    public void A_hundred_thousand_opens_are_all_accounted_for_and_starve_no_denial()
    {
        Assert.Equal(0, Number("flood_of_opens", "after"));
        Assert.Equal(1, Number("flood_of_opens", "denials"));
        Assert.Equal(0, Number("flood_of_opens", "lost"));
        Assert.Equal(17, Number("flood_of_opens", "told")); // at 1, 2, 4 … 65,536 times
        Assert.True(Number("flood_of_opens", "folded") >= 100_000 - 17);
    }

    [Fact]
    public void Twenty_thousand_denials_that_nobody_reads_are_told_or_counted()
    {
        Assert.Equal(1, Number("flood_of_denials", "after"));
        Assert.True(Number("flood_of_denials", "told") > 1000);
        Assert.Equal(20_000, Number("flood_of_denials", "told") + Number("flood_of_denials", "folded") + Number("flood_of_denials", "lost"));
    }

    [Fact]
    public void An_enforcer_that_is_disposed_lets_go() => Assert.Equal(0, Number("let_go", "after"));

    [Fact]
    public void A_run_whose_supervisor_was_killed_is_still_held_and_its_pins_are_swept_once()
    {
        Assert.Equal(1, Number("crash", "after"));
        Assert.Equal(1, Number("crash", "swept"));
        Assert.Equal(0, Number("crash", "sweptAgain"));
    }

    private long Number(string row, string property)
    {
        var result = machine.Result(row, "scenario");
        return result.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : throw new InvalidOperationException($"{row} tells no {property}: {result}");
    }
}
