using System.Diagnostics;
using System.Globalization;

namespace Moat.Kernel.Guest;

/// <summary>Programs that the guest starts, in the run's cgroup or out of it.</summary>
internal static class Commands
{
    public const string Run = "/sys/fs/cgroup/moat/run";

    public static int Attack(string name, string directory)
    {
        using var process = Start("/attack", Run, name, directory);
        var complaint = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode > 1) Console.WriteLine($"{name} in {directory}: {complaint.Trim()}");
        return process.ExitCode;
    }

    /// <summary>What a load measured in the run's cgroup or another, in nanoseconds each.</summary>
    public static long Measure(string name, string cgroup, string directory)
    {
        using var process = Start("/attack", cgroup, name, directory);
        var figure = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return long.Parse(figure, CultureInfo.InvariantCulture);
    }

    public static void Busybox(params string[] arguments)
    {
        using var process = Start("/bin/busybox", arguments);
        var complaint = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException(string.Join(' ', arguments) + ": " + complaint);
    }

    public static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardInput = true })!;
}
