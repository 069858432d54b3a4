using System.Collections.Immutable;
using System.Text;
using Moat.Linux.Confinement;
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

    /// <summary>A folder of the host beside the workspace, for what must not be seen or changed from inside.</summary>
    public string Outside => Directory.CreateDirectory(Path.Combine(root, "outside")).FullName;

    public Task<Sandbox> StartAsync(RunSpec spec, ImmutableArray<SandboxFile> files = default, CancellationToken? cancellation = null, Action<ExecAttempt>? onExec = null, FileFence? fence = null) => Bubblewrap.StartAsync(
        new SandboxOptions
        {
            Spec = spec,
            StateDirectory = Directory.CreateDirectory(Path.Combine(root, spec.Id)).FullName,
            Env = new Dictionary<string, string> { ["PATH"] = "/usr/local/bin:/usr/bin:/bin", ["HOME"] = "/home/agent" },
            InitPath = InitPath(),
            OnExec = onExec,
            Fence = fence,
            Files = files.IsDefault ? [] : files,
        }, cancellation ?? TestContext.Current.CancellationToken);

    public Task<(int Code, string Out, string Err)> ShellAsync(string script) => RunAsync(Spec("sh", "-c", script));

    public async Task<(int Code, string Out, string Err)> RunAsync(RunSpec spec, string input = "", ImmutableArray<SandboxFile> files = default, FileFence? fence = null)
    {
        await using var sandbox = await StartAsync(spec, files, fence: fence);
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

    /// <summary>A process of the host with this text among its arguments.</summary>
    public static IEnumerable<int> ProcessesWith(string argument)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid)) continue;
            string text;
            try
            {
                text = File.ReadAllText(folder + "/cmdline");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended between the listing and the look.
                continue;
            }

            if (text.Contains(argument, StringComparison.Ordinal)) yield return pid;
        }
    }

    internal static string InitPath()
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
