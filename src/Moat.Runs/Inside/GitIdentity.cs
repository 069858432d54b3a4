using System.Diagnostics;
using System.Text;
using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>The agent's git configuration: who commits, and that the workspace's owner is to be trusted. Nothing else of the host's.</summary>
internal static class GitIdentity
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>git is asked meanwhile; <paramref name="settings"/> are further ones of Moat's own, as git writes them.</summary>
    public static SandboxFile File(string settings, CancellationToken ct) => new("/etc/gitconfig", Task.Run(() => ContentAsync(settings, ct), ct), 0b100_100_100);

    private static async Task<byte[]> ContentAsync(string settings, CancellationToken ct)
    {
        var text = new StringBuilder("[safe]\n\tdirectory = *\n").Append(settings);
        foreach (var (key, value) in await ReadAsync(ct).ConfigureAwait(false))
            text.Append("[user]\n\t").Append(key).Append(" = ").Append(Quote(value)).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    // git reads its own format, includes and all. It runs in the root folder: nothing of a workspace is looked at.
    private static async Task<IReadOnlyList<(string Key, string Value)>> ReadAsync(CancellationToken ct)
    {
        var home = Environment.GetEnvironmentVariable("HOME");
        if (home is null || !(System.IO.File.Exists(Path.Combine(home, ".gitconfig")) || System.IO.File.Exists(Path.Combine(home, ".config", "git", "config")))) return [];
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["config", "--global", "--null", "--get-regexp", "^user\\.(name|email)$"])
            {
                WorkingDirectory = "/",
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            });
            if (git is null) return [];
            git.StandardInput.Close();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(s_patience);
            var errors = git.StandardError.ReadToEndAsync(limit.Token);
            var output = await git.StandardOutput.ReadToEndAsync(limit.Token).ConfigureAwait(false);
            await errors.ConfigureAwait(false);
            await git.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return git.ExitCode == 0 ? Parse(output) : [];
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            // No git, or one that hangs: the agent commits under a name of its own.
            return [];
        }
    }

    // --null: KEY LF VALUE NUL. A key may stand there twice (an include); git's own rule is that the last wins.
    private static List<(string Key, string Value)> Parse(string output)
    {
        var found = new List<(string, string)>();
        foreach (var entry in output.Split('\0', StringSplitOptions.RemoveEmptyEntries))
            if (entry.Split('\n', 2) is ["user.name" or "user.email", var value] pair && value.Length > 0 && !value.Any(char.IsControl))
                found.Add((pair[0]["user.".Length..], value));
        return found;
    }

    private static string Quote(string value) =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
