using System.Diagnostics;

namespace Moat.EndToEnd.Tests.Harness;

/// <summary>A person at a real terminal of 33 lines and 111 columns, which <c>script</c> makes.</summary>
internal static class Terminal
{
    /// <summary>Runs moat with these words of a shell, which may use <c>$SCRIPT</c>; types <paramref name="keys"/> once it shows <paramref name="when"/>.</summary>
    public static async Task<(int Code, string Seen)> RunAsync(MoatHome home, string words, string script, string keys, string? when = null)
    {
        var outer = home.Write(Path.Combine(home.Root, "outer.sh"), $$"""
            stty rows 33 cols 111
            before=$(stty -g)
            "$MOAT" {{words}}
            code=$?
            [ "$before" = "$(stty -g)" ] && echo before and after are alike
            exit $code
            """);
        var info = Binary.StartInfo(home.User, []);
        var moat = Binary.Path;
        if (info.FileName == moat) info.FileName = "script";
        else info.ArgumentList[info.ArgumentList.IndexOf(moat)] = "script";
        foreach (var word in (string[])["-qec", "sh " + outer, "/dev/null"]) info.ArgumentList.Add(word);
        info.WorkingDirectory = home.Workspace;
        foreach (var (name, value) in ((string, string)[])[("MOAT", moat), ("SCRIPT", script), ("HOME", home.Home), ("MOAT_HOME", home.State), ("MOAT_KEYRING_BACKEND", "file"), ("TERM", "xterm-256color"), ("SHELL", "/bin/sh")])
            info.Environment[name] = value;
        foreach (var (name, value) in home.Env) info.Environment[name] = value;
        using var process = Process.Start(info)!;
        var seen = new System.Text.StringBuilder();
        var buffer = new char[4096];
        var pending = when is null ? null : keys;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (int read; (read = await process.StandardOutput.ReadAsync(buffer, limit.Token)) > 0;)
        {
            seen.Append(buffer, 0, read);
            if (pending is null || !seen.ToString().Contains(when!, StringComparison.Ordinal)) continue;
            await process.StandardInput.WriteAsync(pending);
            await process.StandardInput.FlushAsync(limit.Token);
            pending = null;
        }

        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, seen.ToString());
    }
}
