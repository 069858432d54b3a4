using System.Diagnostics;

namespace Moat.Kernel.Tests.Machine;

/// <summary>The programs that build the machine. One that is missing fails the tests and says what to install.</summary>
internal static class Tools
{
    public static string Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed: {error.Result}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new InvalidOperationException($"{program} is not installed; ./test installs what these tests need");
        }
    }

    public static string Root()
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Moat.slnx"))) return directory;
        }

        throw new InvalidOperationException("the tests do not run from within the repository");
    }
}
