using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Moat.Kernel.Guest;

/// <summary>What a single attack does not show: rules that change, events in floods, a supervisor that dies.</summary>
internal static class Scenarios
{
    private const string Place = "/tmpfs/scenario";

    private static readonly KernelRules Base = new() { Files = [.. Tree.Rules(Place, false)] };

    public static void Run()
    {
        Tree.Build(Place, Place);
        var withoutEnforcement = (Opens: Commands.Measure("measure_opens", "/sys/fs/cgroup/moat", Place), Execs: Commands.Measure("measure_execs", "/sys/fs/cgroup/moat", Place));
        using (var enforcer = KernelEnforcer.Load(Commands.Run))
        {
            EqualPaths(enforcer);
            ManyRules(enforcer);
            NoRules(enforcer);
            OtherRoot(enforcer);
            Shadow(enforcer);
            Reload(enforcer);
            Observation(enforcer);
            FloodOfOpens(enforcer);
            FloodOfDenials(enforcer);
            Cost(enforcer, withoutEnforcement);
        }

        Report.Write("let_go", "scenario", new JsonObject { ["after"] = Commands.Attack("read_secret", Place) });
        Crash();
    }

    /// <summary>A supervisor that is killed while its rules are in force.</summary>
    public static void EnforceAndCrash()
    {
        var enforcer = KernelEnforcer.Load(Commands.Run);
        enforcer.Publish(Base);
        enforcer.Pin("run-1.2");
        Process.GetCurrentProcess().Kill();
    }

    private static void EqualPaths(KernelEnforcer enforcer)
    {
        var denied = 0;
        for (var i = 0; i < 20; i++)
        {
            KernelFileRule allow = new(Place + "/open", true, KernelActions.All, true), deny = new(Place + "/open", true, KernelActions.Read, false);
            enforcer.Publish(new KernelRules { Files = i % 2 == 0 ? [allow, deny] : [deny, allow] });
            denied += Commands.Attack("read_free", Place) == 1 ? 1 : 0;
        }

        Report.Write("equal_paths", "scenario", new JsonObject { ["denied"] = denied });
    }

    private static void ManyRules(KernelEnforcer enforcer)
    {
        var rules = Enumerable.Range(0, 4000).Select(i => new KernelFileRule($"{Place}/many/directory{i}/file", i % 2 == 0, KernelActions.Read, false));
        var clock = Stopwatch.StartNew();
        enforcer.Publish(Base with { Files = [.. rules, .. Base.Files] });
        Report.Write("many_rules", "scenario", new JsonObject { ["milliseconds"] = clock.ElapsedMilliseconds, ["after"] = Commands.Attack("read_secret", Place) });
    }

    private static void NoRules(KernelEnforcer enforcer)
    {
        enforcer.Publish(new KernelRules());
        Report.Write("no_rules", "scenario", new JsonObject { ["after"] = Commands.Attack("read_secret", Place) });
    }

    private static void OtherRoot(KernelEnforcer enforcer)
    {
        enforcer.Publish(new KernelRules { Files = [new("/secret", true, KernelActions.All, false)] }, Place);
        Report.Write("other_root", "scenario", new JsonObject { ["after"] = Commands.Attack("read_secret", Place), ["free"] = Commands.Attack("read_free", Place) });
    }

    private static void Shadow(KernelEnforcer enforcer)
    {
        enforcer.Publish(Base with { Shadow = true });
        enforcer.Read(TimeSpan.Zero);
        var after = Commands.Attack("read_secret", Place);
        var events = enforcer.Read(TimeSpan.Zero);
        var result = Report.Events(events);
        result["after"] = after;
        result["let_through"] = events.Count(e => e.LetThrough);
        Report.Write("shadow", "scenario", result);
    }

    /// <summary>Two generations refuse the same file by different rules; a reader hammers at it while they take turns.</summary>
    private static void Reload(KernelEnforcer enforcer)
    {
        KernelRules byFile = new() { Files = [new(Place + "/secret/key", false, KernelActions.Read, false)] };
        KernelRules byDirectory = new() { Files = [new(Place, true, KernelActions.All, true), new(Place + "/secret", true, KernelActions.Read, false)] };
        enforcer.Publish(byFile);
        using var hammer = Commands.Start("/attack", Commands.Run, "hammer", Place);
        var slowest = 0L;
        for (var i = 0; i < 40 && !hammer.HasExited; i++)
        {
            var clock = Stopwatch.StartNew();
            enforcer.Publish(i % 2 == 0 ? byDirectory : byFile);
            slowest = Math.Max(slowest, clock.ElapsedMilliseconds);
        }

        File.WriteAllText(Place + "/stop", "");
        hammer.WaitForExit();
        Report.Write("reload", "scenario", new JsonObject { ["after"] = hammer.ExitCode, ["slowest"] = slowest });
    }

    private static void Observation(KernelEnforcer enforcer)
    {
        enforcer.Publish(Base with { ObserveExec = true, ObserveOpen = true });
        Drain(enforcer);
        Commands.Attack("run_good", Place);
        var events = Drain(enforcer);
        Report.Write("observation", "scenario", new JsonObject
        {
            ["execs"] = events.Count(e => !e.Denied && e.Actions == KernelActions.Execute && e.Path.EndsWith("/bin/good", StringComparison.Ordinal)),
            ["paths"] = string.Join(" ", events.Select(e => e.Path)),
        });
    }

    private static void FloodOfOpens(KernelEnforcer enforcer)
    {
        enforcer.Publish(Base with { ObserveExec = true, ObserveOpen = true });
        Drain(enforcer);
        var before = enforcer.Counters;
        var after = Commands.Attack("flood_opens", Place);
        var events = Drain(enforcer);
        var counters = enforcer.Counters;
        var told = events.Count(e => !e.Denied && e.Path.EndsWith("open/free", StringComparison.Ordinal));
        Report.Write("flood_of_opens", "scenario", new JsonObject
        {
            ["after"] = after,
            ["denials"] = events.Count(e => e.Denied && e.Path.EndsWith("secret/key", StringComparison.Ordinal)),
            ["told"] = told,
            ["folded"] = counters.EventsFolded - before.EventsFolded,
            ["lost"] = counters.EventsLost - before.EventsLost,
        });
    }

    private static void FloodOfDenials(KernelEnforcer enforcer)
    {
        enforcer.Publish(Base);
        Drain(enforcer);
        var before = enforcer.Counters;
        var after = Commands.Attack("flood_denials", Place);
        var events = Drain(enforcer);
        var counters = enforcer.Counters;
        Report.Write("flood_of_denials", "scenario", new JsonObject
        {
            ["after"] = after,
            ["told"] = events.Count(e => e.Denied),
            ["folded"] = counters.DenialsFolded - before.DenialsFolded,
            ["lost"] = counters.DenialsLost - before.DenialsLost,
        });
    }

    private static void Cost(KernelEnforcer enforcer, (long Opens, long Execs) without)
    {
        enforcer.Publish(Base);
        Report.Write("cost", "scenario", new JsonObject
        {
            ["open"] = Commands.Measure("measure_opens", Commands.Run, Place),
            ["openOutside"] = Commands.Measure("measure_opens", "/sys/fs/cgroup/moat", Place),
            ["openWithout"] = without.Opens,
            ["exec"] = Commands.Measure("measure_execs", Commands.Run, Place),
            ["execOutside"] = Commands.Measure("measure_execs", "/sys/fs/cgroup/moat", Place),
            ["execWithout"] = without.Execs,
        });
    }

    private static void Crash()
    {
        using (var supervisor = Commands.Start("/dotnet/dotnet", "exec", "/guest/Moat.Kernel.Guest.dll", "crash")) supervisor.WaitForExit();
        var held = Commands.Attack("read_secret", Place);
        var swept = KernelPins.Sweep();

        Report.Write("crash", "scenario", new JsonObject { ["after"] = held, ["swept"] = swept, ["sweptAgain"] = KernelPins.Sweep() });
    }

    private static List<KernelEvent> Drain(KernelEnforcer enforcer)
    {
        List<KernelEvent> all = [];
        for (var some = enforcer.Read(TimeSpan.Zero); some.Count > 0; some = enforcer.Read(TimeSpan.Zero)) all.AddRange(some);
        return all;
    }
}
