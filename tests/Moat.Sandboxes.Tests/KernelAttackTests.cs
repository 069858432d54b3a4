using System.Diagnostics;

namespace Moat.Sandboxes.Tests;

/// <summary>
/// T-72, T-73, T-74: each kernel interface that a sandbox of this kind fell to, tried by a compiled program inside.
/// The same program outside shows that the attempt itself is a real one.
/// </summary>
public sealed class KernelAttackTests
{
    /// <summary>What ENOENT, EACCES, EROFS and ENOTTY stand for here: the thing is absent, forbidden, read-only or no terminal.</summary>
    private static readonly Dictionary<string, int[]> OtherRefusals = new(StringComparer.Ordinal)
    {
        ["clone3"] = [38],
        ["setns"] = [1],
        ["kill_init"] = [0, 1],
        ["open_proc_1_mem"] = [13],
        ["open_proc_1_environ"] = [13],
        ["open_proc_1_root"] = [13],
        ["open_proc_1_fd3"] = [13],
        ["open_core_pattern"] = [13, 30],
        ["open_sysrq"] = [2, 13, 30],
        ["open_kcore"] = [1, 2, 13],
        ["open_userns_limit"] = [13, 30],
        ["mknod_disk"] = [1, 13],
        ["write_usr"] = [13, 30],
        ["write_root"] = [13, 30],
        ["write_etc"] = [13, 30],
        ["write_resolv"] = [13, 30],
        ["write_init"] = [13, 26, 30],
        ["docker_socket"] = [2],
        ["sys_cgroup"] = [2],
        ["setuid_root"] = [1, 22],
    };

    [Fact]
    public async Task T_72_every_attempt_is_refused_inside()
    {
        await using var fixture = new SandboxFixture();
        await CompileAsync(fixture.Workspace);
        var (code, output, error) = await fixture.ShellAsync("./attack; echo alive");
        Assert.True(code == 0, output + error);
        var rows = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("alive", rows[^1]);
        Assert.True(rows.Length > 70, output);
        var wrong = rows[..^1].Select(r => r.Split(' ')).Where(r => !(OtherRefusals.GetValueOrDefault(r[0]) ?? [1]).Contains(int.Parse(r[1], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Empty(wrong.Select(r => string.Join(' ', r)));
    }

    [Fact]
    public async Task The_same_program_outside_meets_other_answers()
    {
        await using var fixture = new SandboxFixture();
        await CompileAsync(fixture.Workspace);

        // A plain bubblewrap without capabilities: harmless for the host, and what a sandbox is without the filter.
        using var outside = Process.Start(new ProcessStartInfo("bwrap", ["--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--die-with-parent", Path.Combine(fixture.Workspace, "attack")]) { RedirectStandardOutput = true })!;
        var output = await outside.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var refused = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(r => r.EndsWith(" 1", StringComparison.Ordinal));
        Assert.True(refused < 40, $"{refused} attempts are refused without Moat too\n{output}");
        Assert.Contains("unshare_user 0", output, StringComparison.Ordinal);
        Assert.Contains("ptrace_traceme 0", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task T_72_no_capability_is_left_in_any_set()
    {
        await using var fixture = new SandboxFixture();
        var (_, output, _) = await fixture.ShellAsync("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(7, lines.Length);
        Assert.All(lines.Where(l => l.StartsWith("Cap", StringComparison.Ordinal)), l => Assert.EndsWith("\t0000000000000000", l, StringComparison.Ordinal));
        Assert.Contains("NoNewPrivs:\t1", lines);
        Assert.Contains("Seccomp:\t2", lines);
    }

    [Fact]
    public async Task T_30_no_descriptor_of_the_supervisor_is_inside()
    {
        await using var fixture = new SandboxFixture();
        var (_, output, _) = await fixture.ShellAsync("ls /proc/self/fd | tr '\\n' ' '; ls -l /proc/$$/fd | grep -v pipe:");
        Assert.StartsWith("0 1 2 3 ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("socket:", output, StringComparison.Ordinal);
    }

    private static async Task CompileAsync(string folder)
    {
        var source = Path.Combine(AppContext.BaseDirectory, "attack.c");
        using var gcc = Process.Start("gcc", ["-O1", "-w", "-o", Path.Combine(folder, "attack"), source]);
        await gcc.WaitForExitAsync();
        Assert.Equal(0, gcc.ExitCode);
    }
}
