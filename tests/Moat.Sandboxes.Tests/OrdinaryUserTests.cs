using System.Diagnostics;

namespace Moat.Sandboxes.Tests;

/// <summary>
/// Every protection again as an ordinary user: where these tests run as root, the executable is copied to where such a user
/// can read it and runs the class again as one. Run by an ordinary user, the classes themselves are that already.
/// </summary>
public sealed class OrdinaryUserTests
{
    private const string User = "61234";

    [Theory]
    [InlineData(typeof(KernelAttackTests))]
    [InlineData(typeof(LimitTests))]
    [InlineData(typeof(SandboxTests))]
    [InlineData(typeof(ExecTests))]
    [InlineData(typeof(FenceTests))]
    [InlineData(typeof(FileTests))]
    [InlineData(typeof(NetworkTests))]
    [InlineData(typeof(TerminalTests))]
    [InlineData(typeof(InitTests))]
    [InlineData(typeof(SupervisorDeathTests))]
    [InlineData(typeof(HostProbeTests))]
    public async Task Holds_for_an_ordinary_user_too(Type tests)
    {
        if (!Environment.IsPrivilegedProcess) return;
        var folder = Directory.CreateTempSubdirectory("moat-user-").FullName;
        try
        {
            Copy(AppContext.BaseDirectory, Path.Combine(folder, "tests"));
            Directory.CreateDirectory(Path.Combine(folder, "home"));
            var init = Path.Combine(folder, "moat-init");
            File.Copy(SandboxFixture.InitPath(), init);
            Run("chmod", "-R", "a+rX", folder);
            Run("chown", "-R", User, Path.Combine(folder, "home"));
            using var process = Process.Start(new ProcessStartInfo("setpriv",
                ["--reuid", User, "--regid", User, "--clear-groups", Path.Combine(folder, "tests", Path.GetFileName(Environment.ProcessPath!)), "--filter-class", tests.FullName!, "--progress", "off", "--results-directory", Path.Combine(folder, "home")])
            {
                RedirectStandardOutput = true,
                WorkingDirectory = folder,
                Environment =
                {
                    ["HOME"] = Path.Combine(folder, "home"), ["TMPDIR"] = Path.Combine(folder, "home"), ["MOAT_INIT"] = init, ["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                    ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..")),
                },
            })!;
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, output);
            Assert.DoesNotContain("total: 0", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
