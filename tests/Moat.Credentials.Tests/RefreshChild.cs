using System.Runtime.CompilerServices;

namespace Moat.Credentials.Tests;

/// <summary>The test program started again as a number of runs that share one credential: it prints the token that each of them has in the end.</summary>
internal static class RefreshChild
{
    public const string Variable = "MOAT_CREDENTIALS_TEST_CHILD";

    // Before xunit's own entry point runs.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split('|') is not [var folder, var count]) return;
        Console.Out.Write(string.Join('\n', Runs(folder, int.Parse(count, null))));
        Console.Out.Flush();
        Environment.Exit(0);
    }

    /// <summary>
    /// Runs, each with a vault of its own, that all find the credential due at once. Nothing of this program runs on
    /// another thread: those would wait for the end of the initializer.
    /// </summary>
    internal static string[] Runs(string folder, int count)
    {
        var vaults = Enumerable.Range(0, count).Select(_ => Vault.Open(folder, "", TestFolder.FileKey)).ToArray();
        Task.WaitAll([.. vaults.Select(vault => new Refresher(vault, null, TimeProvider.System).RefreshAsync("github", Random.Shared.NextDouble(), CancellationToken.None))]);
        return [.. vaults.Select(vault =>
        {
            using (vault)
            using (var credential = vault.Get("github")!) return TestFolder.Text(credential.Token);
        })];
    }
}
