using System.Net;

namespace Moat.Kernel.Guest;

/// <summary>Each attack with nothing in force, then again on a fresh tree with the rules of all the trees in force at once.</summary>
internal static class Attacks
{
    public static void Run(IReadOnlyList<(string Row, string Place)> rows)
    {
        Places.Build("before", rows);
        var before = rows.ToDictionary(row => row, row => Commands.Attack(row.Row, Places.PathOf(row.Place, "before", row.Row)));
        Places.Build("after", rows);
        using var enforcer = KernelEnforcer.Load(Commands.Run);

        // The first generation lets all through, so that the second is one that tightens.
        enforcer.Publish(new KernelRules());
        enforcer.Publish(new KernelRules
        {
            Files = [.. rows.SelectMany(row => Tree.Rules(Places.PathOf(row.Place, "after", row.Row), row.Row.StartsWith("run_", StringComparison.Ordinal)))],
            Connects = [new KernelConnectRule(IPNetwork.Parse("127.0.0.1/32"), 7001, 7001, KernelTransport.Tcp, true)],
            Anonymous = KernelActions.All & ~(KernelActions.Execute | KernelActions.Map),
            AbstractSockets = false,
            OverlayLayers = true,
        });
        foreach (var row in rows)
        {
            enforcer.Read(TimeSpan.Zero);
            var after = Commands.Attack(row.Row, Places.PathOf(row.Place, "after", row.Row));
            var result = Report.Events(enforcer.Read(TimeSpan.Zero));
            result["before"] = before[row];
            result["after"] = after;
            Report.Write(row.Row, row.Place, result);
        }
    }
}
