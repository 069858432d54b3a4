using System.Diagnostics;
using System.Text;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>A run that goes on while the test looks at it: the script prints a line, the test acts, then answers it.</summary>
internal sealed class LiveRun : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly Process process;
    private readonly Task<string> error;
    private readonly StringBuilder seen = new();

    private LiveRun(Process process)
    {
        this.process = process;
        error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The process of <c>moat run</c>, which is the supervisor.</summary>
    public int Pid => process.Id;

    /// <summary>The most memory that the supervisor ever held, in KiB.</summary>
    public long PeakMemory() => long.Parse(
        File.ReadLines($"/proc/{Pid}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))[6..^2].Trim(), System.Globalization.CultureInfo.InvariantCulture);

    public static LiveRun Start(MoatHome home, string script, params string[] flags) =>
        new(home.Start(["run", home.Workspace, "--config", home.ConfigFile, .. flags, "--", "sh", "-c", script]));

    /// <summary>Reads the agent's output up to the first line that holds this text.</summary>
    public async Task<string> UntilAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            seen.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal)) return line;
        }

        throw new InvalidOperationException($"the run ended before it printed \"{text}\"\n{seen}\n{await error}");
    }

    /// <summary>Gives the agent a line of input.</summary>
    public async Task SayAsync(string line)
    {
        await process.StandardInput.WriteLineAsync(line);
        await process.StandardInput.FlushAsync();
    }

    /// <summary>Sends the supervisor a signal, by its short name.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, Pid.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<Result> EndAsync()
    {
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Limit);
        seen.Append(await process.StandardOutput.ReadToEndAsync(limit.Token));
        await process.WaitForExitAsync(limit.Token);
        return new Result(process.ExitCode, seen.ToString(), await error);
    }

    /// <summary>SIGKILL to the supervisor, as the kernel does when memory is short.</summary>
    public async Task<Result> KillAsync()
    {
        process.Kill();
        using var limit = new CancellationTokenSource(Limit);
        await process.WaitForExitAsync(limit.Token);
        return new Result(process.ExitCode, await process.StandardOutput.ReadToEndAsync(limit.Token), await error);
    }

    public ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
        return ValueTask.CompletedTask;
    }
}
