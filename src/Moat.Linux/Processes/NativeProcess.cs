using System.Runtime.InteropServices;
using System.Text;

namespace Moat.Linux.Processes;

/// <summary>
/// A program of the host started with exactly five descriptors: /dev/null on 0 and 1, a captured 2, and two given to it
/// as 3 and 4. System.Diagnostics.Process would pass on whatever the parent itself inherited without close-on-exec.
/// </summary>
public sealed unsafe class NativeProcess
{
    private const int MaxErrorText = 16 << 10;
    private readonly TaskCompletionSource<int> exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> errors = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NativeProcess()
    {
    }

    public int Id { get; private set; }

    /// <summary>The exit code, or 128 and the signal's number.</summary>
    public Task<int> Exited => exited.Task;

    /// <param name="program">Absolute path.</param>
    /// <param name="arguments">Arguments after the program's own name.</param>
    /// <param name="descriptor">What the program gets as descriptor 3.</param>
    /// <param name="information">What the program gets as descriptor 4.</param>
    /// <param name="before">Runs on the thread that starts the program and then waits for it, so that what it sets for its own thread is inherited.</param>
    /// <exception cref="IOException">The program cannot be started.</exception>
    public static NativeProcess Start(string program, IReadOnlyList<string> arguments, int descriptor, int information, Action? before = null)
    {
        var process = new NativeProcess();
        using var started = new ManualResetEventSlim();
        string? failure = null;

        // The kernel's parent-death signal follows the thread that forked, so that thread has to live as long as the child.
        new Thread(() =>
        {
            before?.Invoke();
            failure = process.Spawn(program, arguments, descriptor, information);
            var id = process.Id;
            started.Set();
            if (failure is null) process.Wait(id);
        }, 256 << 10)
        { IsBackground = true, Name = "sandbox" }.Start();
        started.Wait();
        return failure is null ? process : throw new IOException(failure);
    }

    /// <summary>What it wrote to standard error, once it has ended; at most 16 KiB.</summary>
    public string ErrorText() => errors.Task.GetAwaiter().GetResult();

    public void Kill()
    {
        if (!exited.Task.IsCompleted) _ = Libc.kill(Id, Libc.SIGKILL);
    }

    private string? Spawn(string program, IReadOnlyList<string> arguments, int descriptor, int information)
    {
        using var strings = new NativeStrings();
        var (read, write) = Descriptors.Pipe();
        using (write)
        {
            using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);

            // posix_spawn_file_actions_t is 80 bytes in glibc and musl.
            var actions = stackalloc byte[256];
            _ = Libc.posix_spawn_file_actions_init(actions);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, (int)nothing.DangerousGetHandle(), 0);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, (int)nothing.DangerousGetHandle(), 1);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, (int)write.DangerousGetHandle(), 2);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, descriptor, 3);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, information, 4);
            _ = Libc.posix_spawn_file_actions_addclosefrom_np(actions, 5);

            // A session of its own: Ctrl-C at the person's terminal goes to every process of the foreground group, and the
            // sandbox must outlive it for as long as the agent takes to end. posix_spawnattr_t is 336 bytes in glibc and musl.
            var attributes = stackalloc byte[512];
            _ = Libc.posix_spawnattr_init(attributes);
            _ = Libc.posix_spawnattr_setflags(attributes, Libc.POSIX_SPAWN_SETSID);
            int pid;
            var error = Libc.posix_spawn(&pid, strings.String(program), actions, attributes, strings.Vector([program, .. arguments]), strings.Vector([]));
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
            if (error != 0)
            {
                read.Dispose();
                return $"{program} cannot be started: errno {error}";
            }

            Id = pid;
        }

        new Thread(() => CollectErrors(read), 128 << 10) { IsBackground = true, Name = "sandbox errors" }.Start();
        return null;
    }

    private void CollectErrors(Microsoft.Win32.SafeHandles.SafeFileHandle read)
    {
        using var stream = new FileStream(read, FileAccess.Read, 0);
        var text = new byte[MaxErrorText];
        var filled = 0;
        var rest = new byte[1024];
        while (true)
        {
            var got = filled < text.Length ? stream.Read(text, filled, text.Length - filled) : stream.Read(rest);
            if (got == 0) break;
            filled = Math.Min(text.Length, filled + got);
        }

        errors.SetResult(Encoding.UTF8.GetString(text, 0, filled));
    }

    private void Wait(int id)
    {
        int status;
        while (Libc.waitpid(id, &status, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() == Libc.EINTR) continue;
            exited.SetResult(255);
            return;
        }

        exited.SetResult((status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f));
    }
}
