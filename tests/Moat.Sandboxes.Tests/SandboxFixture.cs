using System.Collections.Immutable;
using System.Text;
using Moat.Spec;

namespace Moat.Sandboxes.Tests;

/// <summary>A real sandbox around a real command; nothing is stood in for.</summary>
internal sealed class SandboxFixture : IAsyncDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("moat-sandbox-").FullName;

    public SandboxFixture() => Workspace = Directory.CreateDirectory(Path.Combine(root, "ws")).FullName;

    public string Workspace { get; }

    public RunSpec Spec(params string[] command) => new()
    {
        Id = "run_" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(6)),
        Name = "test",
        Command = [.. command],
        Interactive = false,
        Workspace = new WorkspaceSpec(Workspace),
        Network = new NetworkSpec { Mode = NetworkMode.Strict },
        CreatedAt = DateTimeOffset.UtcNow,
    };

    public Task<Sandbox> StartAsync(RunSpec spec, ImmutableArray<SandboxFile> files = default) => Bubblewrap.StartAsync(
        new SandboxOptions
        {
            Spec = spec,
            StateDirectory = Directory.CreateDirectory(Path.Combine(root, spec.Id)).FullName,
            Env = new Dictionary<string, string> { ["PATH"] = "/usr/local/bin:/usr/bin:/bin", ["HOME"] = "/home/agent" },
            InitPath = InitPath(),
            Files = files.IsDefault ? [] : files,
        }, TestContext.Current.CancellationToken);

    public Task<(int Code, string Out, string Err)> ShellAsync(string script) => RunAsync(Spec("sh", "-c", script));

    public async Task<(int Code, string Out, string Err)> RunAsync(RunSpec spec, string input = "", ImmutableArray<SandboxFile> files = default)
    {
        await using var sandbox = await StartAsync(spec, files);
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        var output = Task.Run(() => new StreamReader(process.Stdout).ReadToEnd());
        var error = Task.Run(() => new StreamReader(process.Stderr!).ReadToEnd());
        process.Stdin!.Write(Encoding.UTF8.GetBytes(input));
        process.Stdin.Dispose();
        var code = await process.Exited.WaitAsync(TimeSpan.FromSeconds(60));
        await sandbox.KillAsync();
        return (code, await output, await error);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(root, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static string InitPath()
    {
        if (Environment.GetEnvironmentVariable("MOAT_INIT") is { Length: > 0 } named) return named;
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var candidate = Path.Combine(at.FullName, "artifacts", "moat", "moat-init");
            if (File.Exists(candidate)) return candidate;
        }

        throw new InvalidOperationException("no moat-init: run ./moat once, or set MOAT_INIT");
    }
}
