using System.Collections.Concurrent;
using Moat.Linux.Confinement;

namespace Moat.Sandboxes.Tests;

/// <summary>Every exec of the agent is told of before it happens, however it is asked for, and none waits for ever.</summary>
public sealed class ExecTests
{
    [Fact]
    public async Task An_exec_is_told_of_with_its_path_arguments_folder_and_parent()
    {
        var seen = await SeenAsync("cd /tmp && /usr/bin/env -u X /bin/echo one 'two three' && cd /usr && ./bin/true", "one two three\n");
        var echo = Assert.Single(seen, e => e.Arguments is ["/bin/echo", ..]);
        Assert.Equal(("/bin/echo", "/usr/bin/echo", "/tmp"), (echo.Path, echo.File, echo.Directory));
        Assert.Equal(["/bin/echo", "one", "two three"], echo.Arguments);
        Assert.False(echo.Truncated);

        // env became echo: the same process, and a child of the shell, which is the first of all.
        Assert.Equal(echo.Pid, Assert.Single(seen, e => e.File == "/usr/bin/env").Pid);
        var shell = seen[0];
        Assert.Equal(shell.Pid, echo.ParentPid);
        Assert.Equal(("./bin/true", "/usr/bin/true", "/usr"), seen.Where(e => e.File == "/usr/bin/true").Select(e => (e.Path, e.File, e.Directory)).Single());
    }

    [Fact]
    public async Task By_descriptor_by_memory_by_link_and_by_script_too()
    {
        var seen = await SeenAsync("""
            ln -s /usr/bin/true /tmp/link && /tmp/link
            printf '#!/bin/sh\nexit 0\n' > /tmp/script && chmod +x /tmp/script && /tmp/script
            python3 -c '
            import os
            if os.fork() == 0: os.execve(os.open("/usr/bin/true", os.O_PATH), ["by-descriptor"], {})
            os.wait()
            m = os.memfd_create("made", 0)
            os.write(m, open("/usr/bin/true", "rb").read())
            if os.fork() == 0: os.execve(m, ["by-memory"], {})
            os.wait()
            m = os.open("/proc/self/root/usr/bin/true", os.O_PATH)
            if os.fork() == 0: os.execve("/proc/self/fd/%d" % m, ["by-proc"], {})
            os.wait()'
            """);
        Assert.Contains(seen, e => e is { Path: "/tmp/link", File: "/usr/bin/true" });
        Assert.Contains(seen, e => e is { Path: "/tmp/script", File: "/tmp/script" });
        Assert.Contains(seen, e => e is { Arguments: ["by-descriptor"], File: "/usr/bin/true" });
        Assert.Contains(seen, e => e.Arguments is ["by-memory"] && e.File.StartsWith("/memfd:made", StringComparison.Ordinal));
        Assert.Contains(seen, e => e is { Arguments: ["by-proc"], File: "/usr/bin/true" });
    }

    [Fact]
    public async Task Long_and_broken_arguments_are_cut_and_the_programs_run_as_they_would()
    {
        var seen = await SeenAsync("""
            /bin/echo $(seq 1 5000) > /tmp/many; wc -w < /tmp/many
            python3 -c 'import os; os.posix_spawn("/bin/true", ["x" * 100000], {})'
            python3 -c '
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.execve(ctypes.c_void_p(1), ctypes.c_void_p(3), None), ctypes.get_errno())
            print(libc.execve(b"/bin/true", ctypes.c_void_p(3), None), ctypes.get_errno())'
            """, "5000\n-1 14\n-1 14\n");
        Assert.Contains(seen, e => e is { Truncated: true, Arguments.Length: > 100, File: "/usr/bin/echo" });
        Assert.Contains(seen, e => e is { Truncated: true, Arguments: [{ Length: 4096 }] });
    }

    [Fact]
    public async Task What_cannot_be_recorded_does_not_happen()
    {
        await using var fixture = new SandboxFixture();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("sh", "-c", "/bin/true; echo $?"), onExec: attempt =>
        {
            if (attempt.File == "/usr/bin/true") throw new IOException("no space");
        });
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal("126\n", new StreamReader(process.Stdout).ReadToEnd());
    }

    [Fact]
    public async Task Many_processes_that_run_programs_at_once_are_all_told_of()
    {
        var seen = await SeenAsync("for i in 1 2 3 4 5 6 7 8; do (j=0; while [ $j -lt 100 ]; do /bin/true $i $j; j=$((j+1)); done) & done; wait");
        Assert.Equal(800, seen.Where(e => e.File == "/usr/bin/true").Select(e => string.Join(' ', e.Arguments)).Distinct().Count());
    }

    [Fact]
    public async Task The_agent_holds_no_listener_and_can_make_none()
    {
        await using var fixture = new SandboxFixture();
        var (_, output, error) = await fixture.ShellAsync("""
            ls -l /proc/self/fd /proc/$$/fd | grep -c seccomp
            python3 -c '
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(38, 1, 0, 0, 0)
            code = (ctypes.c_uint64 * 1)(0x7fc0000000000006)
            prog = (ctypes.c_uint64 * 2)(1, ctypes.addressof(code))
            print(libc.syscall(317, 1, 8, prog), ctypes.get_errno())'
            """);
        Assert.True(output == "0\n-1 1\n", output + error);
    }

    private static async Task<List<ExecAttempt>> SeenAsync(string script, string expected = "")
    {
        await using var fixture = new SandboxFixture();
        var seen = new ConcurrentQueue<ExecAttempt>();
        await using var sandbox = await fixture.StartAsync(fixture.Spec("/bin/sh", "-c", script), onExec: seen.Enqueue);
        Assert.Contains("exec-observation", sandbox.Protections);
        using var process = await sandbox.StartAgentAsync(null, TestContext.Current.CancellationToken);
        var error = Task.Run(() => new StreamReader(process.Stderr!).ReadToEnd());
        Assert.Equal(expected, new StreamReader(process.Stdout).ReadToEnd());
        Assert.Equal("", await error);
        await process.Exited.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        return [.. seen];
    }
}
