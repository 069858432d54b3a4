using Moat.Spec;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Moat.Sandboxes.Tests;

/// <summary>The test runner, and with <c>supervise</c> as first argument a supervisor of its own process.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        if (args is ["supervise", var frozen, .. var downgradesAndScript]) return SuperviseAsync(frozen == "frozen", downgradesAndScript[0], downgradesAndScript[1]);
        return args.Any(a => a is "-automated" or "@@") ? ConsoleRunner.Run(args) : TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
    }

    /// <summary>Starts a sandbox, says what it lacks and what its agent says, freezes it if asked, and waits to be killed.</summary>
    private static async Task<int> SuperviseAsync(bool frozen, string downgrade, string script)
    {
        await using var fixture = new SandboxFixture();
        try
        {
            await using var sandbox = await fixture.StartAsync(fixture.Spec("sh", "-c", script) with { Downgrades = downgrade.Length == 0 ? [] : [downgrade] });
            Console.WriteLine("missing: " + string.Join(' ', sandbox.Missing));
            using var process = await sandbox.StartAgentAsync(null, CancellationToken.None);
            using var reader = new StreamReader(process.Stdout);
            var line = await reader.ReadLineAsync();
            if (frozen) await sandbox.FreezeAsync();
            Console.WriteLine(line);
            return await process.Exited;
        }
        catch (MoatException error)
        {
            Console.WriteLine(error.Message + "\n" + error.Mend);
            return 64;
        }
    }
}
