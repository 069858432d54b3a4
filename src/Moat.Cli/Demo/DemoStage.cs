using System.Diagnostics;
using System.Globalization;

namespace Moat.Cli.Demo;

/// <summary>A home, a workspace and a configuration of the demo's own under one temporary folder, and this very program run on them.</summary>
internal sealed class DemoStage : IDisposable
{
    public DemoStage(DemoApi api)
    {
        Root = Directory.CreateTempSubdirectory("moat-demo-").FullName;
        Home = Directory.CreateDirectory(Path.Combine(Root, "home")).FullName;
        Workspace = Directory.CreateDirectory(Path.Combine(Root, "workspace")).FullName;
        ConfigFile = Path.Combine(Root, "moat.yaml");
        var providers = Directory.CreateDirectory(Path.Combine(Home, "config", "providers")).FullName;
        File.WriteAllText(Path.Combine(Root, "ca.pem"), api.AuthorityPem);
        File.WriteAllText(Path.Combine(providers, "demo.yaml"), $$"""
            name: demo
            description: The demo's API
            hosts: [{{DemoApi.Host}}]
            inject:
              header: Authorization
              prefix: "Bearer "
            source_env: [DEMO_TOKEN]
            container_env: DEMO_TOKEN
            """);
        File.WriteAllText(ConfigFile, string.Create(CultureInfo.InvariantCulture, $"""
            name: demo
            grants: [demo]
            network:
              policy: strict
              registries: false
              ca: [{Root}/ca.pem]
              resolve:
                {DemoApi.Host}: 127.0.0.1:{api.Port}
            """));
    }

    public string Root { get; }

    public string Home { get; }

    public string Workspace { get; }

    public string ConfigFile { get; }

    /// <summary>Runs this program and returns what it printed.</summary>
    /// <param name="token">A value for DEMO_TOKEN, or null.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="ct">Ends the program.</param>
    public async Task<(int ExitCode, string Out, string Error)> MoatAsync(string? token, string[] arguments, CancellationToken ct)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment["MOAT_HOME"] = Home;
        info.Environment["MOAT_KEYRING_BACKEND"] = "file";
        info.Environment.Remove("MOAT_PROFILE");
        if (token is not null) info.Environment["DEMO_TOKEN"] = token;
        using var process = Process.Start(info)!;
        using var end = ct.Register(() => process.Kill(entireProcessTree: true));
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        ct.ThrowIfCancellationRequested();
        return (process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
    }

    /// <summary>Whether a text stands in any file that Moat left behind.</summary>
    public bool Holds(byte[] text) =>
        Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories).Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(text) >= 0);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
