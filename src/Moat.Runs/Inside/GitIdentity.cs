using System.Diagnostics;
using System.Text;
using Moat.Sandboxes;
using Moat.Spec;

namespace Moat.Runs;

/// <summary>The agent's git configuration: who commits, and that the workspace's owner is to be trusted. Nothing else of the host's.</summary>
internal static class GitIdentity
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public static async Task<SandboxFile> FileAsync(RunSpec spec, CancellationToken ct)
    {
        var name = await ReadAsync("user.name", ct).ConfigureAwait(false);
        var email = await ReadAsync("user.email", ct).ConfigureAwait(false);
        var text = new StringBuilder("[safe]\n\tdirectory = *\n");
        if (name is not null || email is not null)
        {
            text.Append("[user]\n");
            if (name is not null) text.Append("\tname = ").Append(Quote(name)).Append('\n');
            if (email is not null) text.Append("\temail = ").Append(Quote(email)).Append('\n');
        }

        return new SandboxFile("/etc/gitconfig", Encoding.UTF8.GetBytes(text.ToString()), 0b100_100_100);
    }

    // git reads its own format, includes and all. It runs in the root folder: nothing of a workspace is looked at.
    private static async Task<string?> ReadAsync(string key, CancellationToken ct)
    {
        var home = Environment.GetEnvironmentVariable("HOME");
        if (home is null || !(File.Exists(Path.Combine(home, ".gitconfig")) || File.Exists(Path.Combine(home, ".config", "git", "config")))) return null;
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["config", "--global", "--get", key])
            {
                WorkingDirectory = "/",
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            });
            if (git is null) return null;
            git.StandardInput.Close();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(s_patience);
            var errors = git.StandardError.ReadToEndAsync(limit.Token);
            var value = (await git.StandardOutput.ReadToEndAsync(limit.Token).ConfigureAwait(false)).TrimEnd('\n');
            await errors.ConfigureAwait(false);
            await git.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return git.ExitCode == 0 && value.Length > 0 && !value.Any(char.IsControl) ? value : null;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            // No git, or one that hangs: the agent commits under a name of its own.
            return null;
        }
    }

    private static string Quote(string value) =>
        $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
