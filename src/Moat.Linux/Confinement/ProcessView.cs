using System.Globalization;
using System.Text;
using Moat.Linux.Processes;

namespace Moat.Linux.Confinement;

/// <summary>Looks at a process that waits in an exec: its memory, its folder, and what its path leads to inside the sandbox.</summary>
internal sealed unsafe class ProcessView : IDisposable
{
    /// <summary>Arguments told of, bytes of one, and bytes of all.</summary>
    public const int MaxArguments = 256, MaxArgument = 4096, MaxBytes = 16384;

    private const int SysOpenAt2 = 437, AtFdCwd = -100, AtEmptyPath = 0x1000, MaxPath = 4096;
    private readonly List<ulong> pointers = [];

    // No process of the agent may change its root or its mounts, so the first one's is everybody's.
    private int root = -1;

    public ExecAttempt Look(in ExecListener.Notification call)
    {
        var process = (int)call.Pid;
        var memory = new RemoteMemory(process);
        var at = call.Number is 322 or 281;
        var directory = Link($"/proc/{process}/cwd");
        memory.TryString(call.Arguments[at ? 1 : 0], MaxPath, out var path);
        var start = directory;
        var open = false;
        if (at && (int)call.Arguments[0] != AtFdCwd && !path.StartsWith('/'))
        {
            start = Link($"/proc/{process}/fd/{(int)call.Arguments[0]}");
            open = path.Length == 0 && ((int)call.Arguments[4] & AtEmptyPath) != 0;
            if (open) path = start;
        }

        var (pid, parent) = Numbers(process);
        var arguments = Arguments(memory, call.Arguments[at ? 2 : 1], out var truncated);
        return new ExecAttempt
        {
            Pid = pid,
            ParentPid = parent,
            Path = path,
            File = open ? path
                : path.StartsWith("/proc/self/", StringComparison.Ordinal) ? Link($"/proc/{process}{path["/proc/self".Length..]}")
                : Resolve(process, path.StartsWith('/') ? path : start + "/" + path),
            Arguments = [.. arguments],
            Truncated = truncated,
            Directory = directory,
        };
    }

    public void Dispose()
    {
        if (root >= 0) _ = Libc.close(root);
    }

    private List<string> Arguments(RemoteMemory memory, ulong address, out bool truncated)
    {
        pointers.Clear();
        var texts = new List<string>();
        truncated = false;
        if (address == 0) return texts;
        truncated = !memory.TryPointers(address, MaxArguments, pointers);
        var left = MaxBytes;
        foreach (var pointer in pointers)
        {
            if (left <= 0)
            {
                truncated = true;
                break;
            }

            truncated |= !memory.TryString(pointer, Math.Min(MaxArgument, left), out var text);
            texts.Add(text);
            left -= text.Length + 1;
        }

        return texts;
    }

    /// <summary>The process that the thread belongs to, and its parent.</summary>
    private static (int Pid, int Parent) Numbers(int thread)
    {
        Span<byte> buffer = stackalloc byte[1024];
        using var strings = new NativeStrings();
        var file = Libc.open(strings.String($"/proc/{thread}/status"), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (file < 0) return (thread, 0);
        nint count;
        fixed (byte* data = buffer) count = Libc.read(file, data, (nuint)buffer.Length);
        _ = Libc.close(file);
        var text = buffer[..Math.Max(0, (int)count)];
        return (Field(text, "\nTgid:\t"u8) is var pid and > 0 ? pid : thread, Field(text, "\nPPid:\t"u8));
    }

    private static int Field(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        var at = text.IndexOf(name);
        if (at < 0) return 0;
        text = text[(at + name.Length)..];
        var end = text.IndexOf((byte)'\n');
        return end > 0 && int.TryParse(text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    /// <summary>Where a path leads inside the sandbox; empty where nothing is. Nothing is opened for reading, and no link leads out.</summary>
    private string Resolve(int process, string path)
    {
        using var strings = new NativeStrings();
        if (root < 0) root = Libc.open(strings.String($"/proc/{process}/root"), Libc.O_PATH | Libc.O_CLOEXEC, 0);

        // struct open_how: RESOLVE_IN_ROOT (16), RESOLVE_NO_MAGICLINKS (2).
        var how = stackalloc ulong[3];
        (how[0], how[1], how[2]) = (Libc.O_PATH | Libc.O_CLOEXEC, 0, 16 | 2);
        var file = (int)Libc.syscall(SysOpenAt2, root, (nint)strings.String(path), (nint)how, 24, 0);
        if (file < 0) return "";
        var name = Link($"/proc/self/fd/{file}");
        _ = Libc.close(file);
        return name;
    }

    private static string Link(string path)
    {
        using var strings = new NativeStrings();
        var buffer = stackalloc byte[MaxPath];
        var length = Libc.readlink(strings.String(path), buffer, MaxPath);
        return length > 0 ? Encoding.UTF8.GetString(buffer, (int)length) : "";
    }
}
