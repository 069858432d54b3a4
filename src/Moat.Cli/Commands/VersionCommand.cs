using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Moat.Cli.Output;

namespace Moat.Cli.Commands;

internal static class VersionCommand
{
    public static string Version => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public static Command Create()
    {
        var command = new Command("version", "Show the version");
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(Globals.Json)) CliJson.Print(new VersionReport(Version, RuntimeInformation.FrameworkDescription, RuntimeInformation.OSDescription));
            else Console.Out.WriteLine($"moat {Version}");
            return 0;
        });
        return command;
    }
}
