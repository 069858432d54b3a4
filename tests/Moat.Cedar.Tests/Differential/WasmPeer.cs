using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Moat.Cedar.Tests.Differential;

/// <summary>The reference implementation, @cedar-policy/cedar-wasm, run by node and asked over a pipe. Installed once into the user's cache by npm with the user's own configuration.</summary>
internal sealed class WasmPeer : IDisposable
{
    private const string Package = "@cedar-policy/cedar-wasm";
    private const string Version = "4.10.0";
    private static readonly TimeSpan InstallLimit = TimeSpan.FromMinutes(3);
    private readonly Process process;
    private int waiting;

    private WasmPeer(Process process) => this.process = process;

    /// <summary>A running peer; the test is skipped where there is no node or no npm.</summary>
    public static WasmPeer Start()
    {
        foreach (var program in new[] { "node", "npm" })
        {
            if (Run(program, InstallLimit, "--version") is null) Assert.Skip($"{program} is not installed, so there is nothing to compare with");
        }

        var folder = Install();
        var script = Path.Combine(AppContext.BaseDirectory, "Differential", "peer.cjs");
        return new WasmPeer(Process.Start(new ProcessStartInfo("node", [script, folder]) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
    }

    /// <summary>The answers to the calls, each an array of the function's name and its arguments.</summary>
    public JsonElement[] Ask(params JsonArray[] calls)
    {
        Send(calls);
        return Receive();
    }

    /// <summary>Sends calls, so that the peer works on them while the test does its own part.</summary>
    public void Send(params JsonArray[] calls)
    {
        // A test that failed in between has left its answers.
        while (waiting > 0) Receive();
        process.StandardInput.WriteLine(new JsonArray([.. calls]).ToJsonString());
        process.StandardInput.Flush();
        waiting++;
    }

    /// <summary>The answers to the calls that were sent.</summary>
    public JsonElement[] Receive()
    {
        waiting--;
        var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("node has ended");
        return [.. JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 4_000 }).RootElement.EnumerateArray()];
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private static string Install()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var folder = Path.Combine(cache, "moat-tests", $"cedar-wasm-{Version}");
        if (Directory.Exists(folder)) return folder;

        // Installed beside and moved into place, so that two runs of the tests do not install into each other.
        var beside = $"{folder}-{Environment.ProcessId}";
        Directory.CreateDirectory(beside);
        var output = Run("npm", InstallLimit, "install", "--prefix", beside, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", $"{Package}@{Version}");
        Assert.True(output is { ExitCode: 0 }, $"npm could not install {Package}@{Version}: {output?.Text}");
        try
        {
            Directory.Move(beside, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(beside, true);
        }

        return folder;
    }

    private static (int ExitCode, string Text)? Run(string program, TimeSpan limit, params string[] arguments)
    {
        try
        {
            using var started = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = started.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var text = started.StandardOutput.ReadToEnd();
            if (!started.WaitForExit(limit)) started.Kill(true);
            return (started.ExitCode, text + errors.GetAwaiter().GetResult());
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
