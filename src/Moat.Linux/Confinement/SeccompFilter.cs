using System.Runtime.InteropServices;

namespace Moat.Linux.Confinement;

/// <summary>
/// The filter of the agent's processes (seccomp(2)): system calls that sandboxes of this kind fell to answer EPERM.
/// It is a list of refusals over namespaces that hold nothing, so that ordinary programs, JIT compilers included, work.
/// </summary>
public sealed unsafe class SeccompFilter
{
    private const ushort Load = 0x20, JumpEqual = 0x15, JumpSet = 0x45, JumpAtLeast = 0x35, And = 0x54, Return = 0x06;
    private const uint Allow = 0x7fff0000, Notify = 0x7fc00000, Errno = 0x00050000, KillProcess = 0x80000000;
    private const uint CloneNamespaces = 0x7E020080;
    private readonly List<(ushort Code, byte True, byte False, uint K)> program = [];

    private SeccompFilter()
    {
    }

    /// <summary>The filter for this machine's architecture.</summary>
    /// <param name="announceExec">Each execve and execveat waits for the word of an <see cref="ExecListener"/>.</param>
    public static SeccompFilter Build(bool announceExec)
    {
        var filter = new SeccompFilter();
        var x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

        // Another architecture's call numbers would slip through a list of this one's.
        filter.Add(Load, 4);
        filter.program.Add((JumpEqual, 1, 0, x64 ? 0xC000003E : 0xC00000B7));
        filter.Add(Return, KillProcess);
        filter.Add(Load, 0);
        if (x64)
        {
            // x32 calls carry bit 30.
            filter.program.Add((JumpAtLeast, 0, 1, 0x40000000));
            filter.Add(Return, Errno | Libc.EPERM);
        }

        foreach (var number in SyscallNumbers.Refused(x64))
        {
            filter.program.Add((JumpEqual, 0, 1, number));
            filter.Add(Return, Errno | Libc.EPERM);
        }

        var numbers = x64 ? SyscallNumbers.X64 : SyscallNumbers.Arm64;

        if (announceExec)
        {
            foreach (var number in SyscallNumbers.Exec(x64))
            {
                filter.program.Add((JumpEqual, 0, 1, number));
                filter.Add(Return, Notify);
            }
        }

        // clone3 hides its flags behind a pointer; ENOSYS makes libc fall back to clone.
        filter.program.Add((JumpEqual, 0, 1, numbers.Clone3));
        filter.Add(Return, Errno | Libc.ENOSYS);
        filter.Clone(numbers.Clone);
        filter.Ioctl(numbers.Ioctl);
        filter.Socket(numbers.Socket);
        filter.SocketPair(numbers.SocketPair);
        filter.Personality(numbers.Personality);
        filter.Listener((uint)SyscallNumbers.Seccomp);
        filter.Add(Return, Allow);
        return filter;
    }

    /// <summary>Puts the filter on the calling process; allocates nothing when given the native copy.</summary>
    public static bool Apply(nint native) => Libc.syscall(SyscallNumbers.Seccomp, 1, 0, native, 0, 0) == 0;

    /// <summary>
    /// Puts a filter that announces exec on the calling process; allocates nothing. A signal that does not kill leaves a
    /// call that was announced waiting, where the kernel can do so (WAIT_KILLABLE_RECV, bit 5, since 5.19).
    /// </summary>
    /// <returns>The listener's descriptor; negative when the kernel refuses (EBUSY: Moat itself runs under a listener).</returns>
    public static int ApplyWithListener(nint native)
    {
        var listener = Libc.syscall(SyscallNumbers.Seccomp, 1, 8 | 32, native, 0, 0);
        if (listener < 0) listener = Libc.syscall(SyscallNumbers.Seccomp, 1, 8, native, 0, 0);
        return (int)listener;
    }

    /// <summary>A <c>sock_fprog</c> in native memory, for <see cref="Apply"/> after a fork; it lives as long as the process.</summary>
    public nint ToNative()
    {
        var code = (byte*)NativeMemory.Alloc((nuint)program.Count, 8);
        for (var i = 0; i < program.Count; i++)
        {
            var (op, yes, no, k) = program[i];
            *(ushort*)(code + (i * 8)) = op;
            code[(i * 8) + 2] = yes;
            code[(i * 8) + 3] = no;
            *(uint*)(code + (i * 8) + 4) = k;
        }

        var header = (byte*)NativeMemory.AllocZeroed(16);
        *(ushort*)header = (ushort)program.Count;
        *(byte**)(header + 8) = code;
        return (nint)header;
    }

    private void Clone(uint number)
    {
        program.Add((JumpEqual, 0, 4, number));
        Argument(0);
        program.Add((JumpSet, 0, 1, CloneNamespaces));
        Add(Return, Errno | Libc.EPERM);
        Add(Return, Allow);
    }

    private void Ioctl(uint number)
    {
        // TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD: each writes into a terminal or changes what it is. The kernel reads 32 bits.
        uint[] refused = [0x5412, 0x541C, 0x541D, 0x5423];
        program.Add((JumpEqual, 0, (byte)(2 + (2 * refused.Length)), number));
        Argument(1);
        foreach (var request in refused)
        {
            program.Add((JumpEqual, 0, 1, request));
            Add(Return, Errno | Libc.EPERM);
        }

        Add(Return, Allow);
    }

    private void Socket(uint number)
    {
        // UNIX: all. INET, INET6: streams and datagrams of a protocol below 18, so no raw socket, SCTP or MPTCP. NETLINK: routes
        // alone. Jumps are relative: 13 and 3 lead to the last line, 4 and 2 to the refusal before it.
        List<(ushort, byte, byte, uint)> body =
        [
            (Load, 0, 0, 16),
            (JumpEqual, 13, 0, Libc.AF_UNIX),
            (JumpEqual, 3, 0, Libc.AF_INET),
            (JumpEqual, 2, 0, Libc.AF_INET6),
            (JumpEqual, 7, 0, Libc.AF_NETLINK),
            (Return, 0, 0, Errno | Libc.EPERM),
            (Load, 0, 0, 24),
            (And, 0, 0, 0xf),
            (JumpEqual, 1, 0, Libc.SOCK_STREAM),
            (JumpEqual, 0, 4, Libc.SOCK_DGRAM),
            (Load, 0, 0, 32),
            (JumpAtLeast, 2, 3, 18),
            (Load, 0, 0, 32),
            (JumpEqual, 1, 0, 0),
            (Return, 0, 0, Errno | Libc.EPERM),
            (Return, 0, 0, Allow),
        ];

        program.Add((JumpEqual, 0, (byte)body.Count, number));
        program.AddRange(body);
    }

    private void SocketPair(uint number)
    {
        // The kernel makes both sockets, and loads the family's module, before it finds that the family has no pairs.
        program.Add((JumpEqual, 0, 4, number));
        Argument(0);
        program.Add((JumpEqual, 1, 0, Libc.AF_UNIX));
        Add(Return, Errno | Libc.EPERM);
        Add(Return, Allow);
    }

    private void Personality(uint number)
    {
        uint[] allowed = [0, 8, 0x20000, 0x20008, 0x0040000, 0xffffffff];
        program.Add((JumpEqual, 0, (byte)(2 + (2 * allowed.Length)), number));
        Argument(0);
        foreach (var value in allowed)
        {
            program.Add((JumpEqual, 0, 1, value));
            Add(Return, Allow);
        }

        Add(Return, Errno | Libc.EPERM);
    }

    /// <summary>
    /// seccomp's SECCOMP_FILTER_FLAG_NEW_LISTENER (bit 3): who holds such a descriptor answers the system calls of children
    /// in their place. Filters of the agent's own (browsers put them on) stay allowed.
    /// </summary>
    private void Listener(uint number)
    {
        program.Add((JumpEqual, 0, 4, number));
        Argument(1);
        program.Add((JumpSet, 0, 1, 8));
        Add(Return, Errno | Libc.EPERM);
        Add(Return, Allow);
    }

    /// <summary>The low half of an argument; both architectures are little-endian.</summary>
    private void Argument(uint index) => Add(Load, 16 + (8 * index));

    private void Add(ushort code, uint k) => program.Add((code, 0, 0, k));
}
