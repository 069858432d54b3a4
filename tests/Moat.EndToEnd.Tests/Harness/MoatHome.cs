using System.Diagnostics;
using System.Text;

namespace Moat.EndToEnd.Tests.Harness;

internal sealed record Result(int ExitCode, string Out, string Err)
{
    public override string ToString() => $"exit {ExitCode}\n--- stdout\n{Out}\n--- stderr\n{Err}";
}

/// <summary>A person's machine in small: a home, a Moat home and a workspace, all new, owned by the user under test.</summary>
internal sealed class MoatHome : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public MoatHome(string user)
    {
        User = user;
        Root = Directory.CreateTempSubdirectory("moat-e2e-").FullName;
        Workspace = Directory.CreateDirectory(Path.Combine(Root, "ws")).FullName;
        Home = Directory.CreateDirectory(Path.Combine(Root, "home")).FullName;
        State = Directory.CreateDirectory(Path.Combine(Root, "moat"), (UnixFileMode)0b111_000_000).FullName;
        Providers = Directory.CreateDirectory(Path.Combine(State, "config", "providers")).FullName;
        Binary.GiveTo(user, Root);
    }

    public string User { get; }

    public string Root { get; }

    public string Workspace { get; }

    public string Home { get; }

    public string State { get; }

    public string Providers { get; }

    public string ConfigFile => Path.Combine(Root, "moat.yaml");

    public Dictionary<string, string> Env { get; } = [];

    public void Dispose()
    {
        Directory.Delete(Root, recursive: true);
    }

    /// <summary>Writes a file that the user owns.</summary>
    public string Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        Binary.GiveTo(User, path);
        return path;
    }

    public Task<Result> MoatAsync(params string[] arguments) => MoatAsync("", arguments);

    public Task<Result> MoatAsync(string input, string[] arguments) => FinishAsync(Start(arguments), input);

    /// <summary>Runs moat inside of another command, whose last words moat's command line becomes.</summary>
    /// <param name="outer">The other command, whose last word comes before moat's own.</param>
    /// <param name="asSelf">The other command changes the user already.</param>
    /// <param name="arguments">Of moat.</param>
    public Task<Result> WithinAsync(string[] outer, bool asSelf, params string[] arguments)
    {
        var info = Info(arguments, asSelf ? "self" : User);
        info.ArgumentList.Insert(0, info.FileName);
        for (var i = outer.Length - 1; i > 0; i--) info.ArgumentList.Insert(0, outer[i]);
        info.FileName = outer[0];
        return FinishAsync(Process.Start(info)!, "");
    }

    /// <summary>A line for the shell of this machine, with the binary on the PATH.</summary>
    public Task<Result> ShellAsync(string line)
    {
        var info = new ProcessStartInfo("sh", ["-c", line]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        Prepare(info);
        info.Environment["PATH"] = Path.GetDirectoryName(Binary.Path) + ":" + info.Environment["PATH"];
        return FinishAsync(Process.Start(info)!, "");
    }

    private static async Task<Result> FinishAsync(Process started, string input)
    {
        using var process = started;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} did not end in {Limit}\n{await output}\n{await error}");
        }

        return new Result(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a shell script in a sandbox with the configuration of this home.</summary>
    public Task<Result> ScriptAsync(string script, params string[] flags) =>
        MoatAsync(["run", Workspace, "--config", ConfigFile, .. flags, "--", "sh", "-c", script]);

    public Process Start(params string[] arguments) => Process.Start(Info(arguments, User))!;

    private ProcessStartInfo Info(string[] arguments, string user)
    {
        var info = Binary.StartInfo(user, arguments);
        Prepare(info);
        return info;
    }

    private void Prepare(ProcessStartInfo info)
    {
        info.StandardOutputEncoding = info.StandardErrorEncoding = Encoding.UTF8;
        info.WorkingDirectory = Workspace;
        foreach (var name in info.Environment.Keys.Where(k => k.StartsWith("MOAT_", StringComparison.Ordinal)).ToArray()) info.Environment.Remove(name);
        info.Environment["HOME"] = Home;
        info.Environment["MOAT_HOME"] = State;
        info.Environment["MOAT_KEYRING_BACKEND"] = "file";
        foreach (var (name, value) in Env) info.Environment[name] = value;
    }

    /// <summary>Every file that Moat left in this home, for a search of secrets.</summary>
    public IEnumerable<string> FilesLeft() => Directory.EnumerateFiles(Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint });
}
