using System.Diagnostics;
using System.Text;

namespace Moat.Configuration;

/// <summary>A client that can say which registry it uses when nothing is configured.</summary>
internal sealed record RegistryClient(string Name, string Program, string[] Arguments, Func<string, IEnumerable<string>> Parse);

/// <summary>Asks clients for their defaults.</summary>
internal static class RegistryClients
{
    private const int MaxAnswer = 64 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    // Settings of the clients that an answer depends on; the rest of the environment is not theirs to see.
    private static readonly string[] s_passed = ["HOME", "PATH", "XDG_CONFIG_HOME", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "GOENV", "GOPROXY", "GOSUMDB", "GOROOT", "DOTNET_ROOT"];

    public static readonly IReadOnlyList<RegistryClient> All =
    [
        new("npm", "npm", ["config", "get", "registry"], answer => Lines(answer)),
        new("nuget", "dotnet", ["nuget", "list", "source", "--format", "short"], answer => Lines(answer).Where(l => l.StartsWith("E ", StringComparison.Ordinal)).Select(l => l[2..])),
        new("go", "go", ["env", "GOPROXY", "GOSUMDB"], GoAnswer),
    ];

    /// <summary>The client's answer, or null when it failed or took too long.</summary>
    public static string? Ask(RegistryScope scope, RegistryClient client)
    {
        if (scope.Program(client.Program) is not { } program) return null;
        // In the root folder no project's configuration can take part.
        var start = new ProcessStartInfo(program, client.Arguments) { WorkingDirectory = "/", RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        foreach (var name in s_passed)
        {
            if (scope.Variable(name) is { } value) start.Environment[name] = value;
        }
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["NO_UPDATE_NOTIFIER"] = "1";
        try
        {
            using var process = Process.Start(start);
            return process is null ? null : Answer(process);
        }
        catch (Exception ex) when (ex is System.ComponentModel.Win32Exception or InvalidOperationException or IOException)
        {
            // A client that does not start has no registry to open.
            return null;
        }
    }

    private static string? Answer(Process process)
    {
        var answer = new StringBuilder();
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text && answer.Length + text.Length < MaxAnswer) answer.AppendLine(text);
        };
        process.ErrorDataReceived += (_, _) => { };
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            return null;
        }
        // Returns when the output is read to its end.
        process.WaitForExit();
        return process.ExitCode == 0 ? answer.ToString() : null;
    }

    private static IEnumerable<string> GoAnswer(string answer)
    {
        var lines = answer.Split('\n');
        return lines.Length < 2 ? [] : RegistryReaders.GoProxies(lines[0]).Concat(RegistryReaders.GoSumDatabase(lines[1]));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
