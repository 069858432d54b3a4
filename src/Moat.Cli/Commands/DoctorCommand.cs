using System.CommandLine;
using Moat.Cli.Output;
using Moat.Kernel;
using Moat.Runs;
using Moat.Sandboxes;
using Moat.Spec;

namespace Moat.Cli.Commands;

internal static class DoctorCommand
{
    public static Command Create()
    {
        var command = new Command("doctor", "Show what this host can enforce, what it cannot, and the mend");
        command.SetAction(parsed =>
        {
            IReadOnlyList<HostCheck> checks = [.. HostProbe.Run(), Init(), KernelPrograms()];
            if (parsed.GetValue(Globals.Json))
            {
                CliJson.Print(checks);
            }
            else
            {
                var listing = new Listing("CHECK", "STATE", "FOUND", "MEND");
                foreach (var check in checks) listing.Add(check.Name, check.Ok ? "ok" : check.Required ? "MISSING" : "absent", check.Detail, check.Ok ? "" : check.Mend);
                listing.Print("");
            }

            return checks.All(check => check.Ok || !check.Required) ? 0 : 1;
        });
        return command;
    }

    /// <summary>Says what the host would take; no run uses it.</summary>
    private static HostCheck KernelPrograms()
    {
        var probe = LsmProbe.Run();
        return new HostCheck("rung 1 (BPF LSM)", probe.Available, false, probe.Detail + "; no run uses it yet", probe.Mend);
    }

    private static HostCheck Init()
    {
        try
        {
            return new HostCheck("moat-init", true, true, InitProgram.Find(), "");
        }
        catch (MoatException e)
        {
            return new HostCheck("moat-init", false, true, e.Message, e.Mend);
        }
    }
}
