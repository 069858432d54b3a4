using Moat.Kernel.Tests.Machine;

namespace Moat.Kernel.Tests;

/// <summary>Each way around the rules: open before, closed after, and told of.</summary>
public sealed class BypassTests(VirtualMachine machine)
{
    public static TheoryData<string, string> Files => [.. AttackTable.Everywhere(AttackTable.Files)];

    public static TheoryData<string, string> Descriptors => [.. AttackTable.Everywhere(AttackTable.Descriptors)];

    public static TheoryData<string, string> Programs => [.. AttackTable.Everywhere(AttackTable.Programs)];

    public static TheoryData<string, string> Network => [.. AttackTable.Once(AttackTable.Network)];

    public static TheoryData<string, string> Guards => [.. AttackTable.Once(AttackTable.Guards)];

    public static TheoryData<string, string> Permitted => [.. AttackTable.Everywhere(AttackTable.PermittedFiles), .. AttackTable.Once(AttackTable.PermittedElsewhere)];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_attack_is_possible_before_the_rules_and_denied_after(string row, string place) => DeniedAfter(row, place);

    [Theory]
    [MemberData(nameof(Descriptors))]
    public void A_descriptor_from_elsewhere_is_usable_before_the_rules_and_denied_after(string row, string place) => DeniedAfter(row, place);

    [Theory]
    [MemberData(nameof(Programs))]
    public void Code_runs_before_the_rules_and_is_denied_after(string row, string place) => DeniedAfter(row, place);

    [Theory]
    [MemberData(nameof(Network))]
    public void A_connection_is_made_before_the_rules_and_denied_after(string row, string place) => DeniedAfter(row, place);

    [Theory]
    [MemberData(nameof(Guards))]
    public void Another_process_or_the_kernel_is_reached_before_the_rules_and_denied_after(string row, string place) => DeniedAfter(row, place);

    [Theory]
    [MemberData(nameof(Permitted))]
    public void What_the_rules_allow_goes_on_and_is_no_denial(string row, string place)
    {
        var result = machine.Result(row, place);
        Assert.Equal(0, result.GetProperty("before").GetInt32());
        Assert.Equal(0, result.GetProperty("after").GetInt32());
        Assert.Equal(0, result.GetProperty("denials").GetInt32());
    }

    private void DeniedAfter(string row, string place)
    {
        var result = machine.Result(row, place);
        Assert.Equal(0, result.GetProperty("before").GetInt32());
        Assert.Equal(1, result.GetProperty("after").GetInt32());
        Assert.True(result.GetProperty("denials").GetInt32() > 0, "no denial was told: " + result);
    }
}
