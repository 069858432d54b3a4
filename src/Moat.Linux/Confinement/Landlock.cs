using System.Runtime.InteropServices;

namespace Moat.Linux.Confinement;

/// <summary>What a path and all below it may be used for.</summary>
[Flags]
public enum LandlockUse
{
    /// <summary>List folders.</summary>
    List = 1,
    Read = 2,

    /// <summary>Run programs, which takes <see cref="Read"/> as well.</summary>
    Execute = 4,

    /// <summary>Open for writing, truncate.</summary>
    Write = 8,

    /// <summary>Make names, of all but device nodes. Together with <see cref="Delete"/> also move them between folders.</summary>
    Create = 16,
    Delete = 32,

    /// <summary>ioctl on device nodes.</summary>
    Devices = 64,

    ReadOnly = List | Read | Execute,
    All = ReadOnly | Write | Create | Delete,
}

/// <summary>
/// A Landlock ruleset (landlock(7)): a second fence behind the mounts, made once by init and put on by each process it
/// starts. Scopes keep abstract UNIX sockets and signals inside the domain where the kernel knows them (ABI 6).
/// </summary>
public sealed unsafe class Landlock : IDisposable
{
    private const int SysCreateRuleset = 444, SysAddRule = 445, SysRestrictSelf = 446;
    private const ulong Execute = 1, WriteFile = 1 << 1, ReadFile = 1 << 2, ReadDir = 1 << 3, RemoveDir = 1 << 4, RemoveFile = 1 << 5, Refer = 1 << 13, Truncate = 1 << 14, IoctlDev = 1 << 15;

    // Folders, files, sockets, pipes and links: 6 (character devices) and 11 (block devices) are nobody's.
    private const ulong MakeAny = (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 12);

    private readonly int ruleset;
    private readonly ulong handled;

    private Landlock(int ruleset, ulong handled)
    {
        this.ruleset = ruleset;
        this.handled = handled;
    }

    /// <summary>The kernel's Landlock ABI; 0 where it has none or it is switched off.</summary>
    public static int Abi
    {
        get
        {
            var abi = Libc.syscall(SysCreateRuleset, 0, 0, 1, 0, 0);
            return abi < 0 ? 0 : (int)abi;
        }
    }

    /// <summary>What an older ABI cannot fence: ioctl on devices before 5, signals and abstract sockets before 6.</summary>
    public static string[] Missing(int abi) => abi switch { >= 6 => [], 5 => ["landlock-scopes"], _ => ["landlock-ioctl", "landlock-scopes"] };

    /// <exception cref="IOException">The kernel refuses a ruleset.</exception>
    public static Landlock Create()
    {
        var abi = Abi;
        if (abi == 0) throw new IOException("the kernel has no Landlock");
        var handled = (1UL << 13) - 1;
        if (abi >= 2) handled |= Refer;
        if (abi >= 3) handled |= Truncate;
        if (abi >= 5) handled |= IoctlDev;
        var attributes = stackalloc ulong[3];
        attributes[0] = handled;
        attributes[1] = 0;
        attributes[2] = abi >= 6 ? 3UL : 0UL;
        var size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
        var fd = Libc.syscall(SysCreateRuleset, (nint)attributes, size, 0, 0, 0);
        return fd >= 0 ? new Landlock((int)fd, handled) : throw new IOException("landlock_create_ruleset failed with errno " + Marshal.GetLastPInvokeError());
    }

    /// <summary>Allows a use beneath a path; a path that does not exist needs no rule.</summary>
    public void Allow(string path, LandlockUse use)
    {
        using var strings = new NativeStrings();
        var fd = Libc.open(strings.String(path), Libc.O_PATH | Libc.O_CLOEXEC, 0);
        if (fd < 0) return;
        var access = Of(use, LandlockUse.List, ReadDir) | Of(use, LandlockUse.Read, ReadFile) | Of(use, LandlockUse.Execute, Execute) | Of(use, LandlockUse.Write, WriteFile | Truncate)
            | Of(use, LandlockUse.Create, MakeAny) | Of(use, LandlockUse.Delete, RemoveDir | RemoveFile) | Of(use, LandlockUse.Create | LandlockUse.Delete, Refer) | Of(use, LandlockUse.Devices, IoctlDev);
        if (!Directory.Exists(path)) access &= Execute | ReadFile | WriteFile | Truncate | IoctlDev;

        // struct landlock_path_beneath_attr is packed: eight bytes of rights, four of descriptor.
        var rule = stackalloc byte[12];
        *(ulong*)rule = access & handled;
        *(int*)(rule + 8) = fd;
        var result = Libc.syscall(SysAddRule, ruleset, 1, (nint)rule, 0, 0);
        var error = Marshal.GetLastPInvokeError();
        _ = Libc.close(fd);
        if (result != 0) throw new IOException($"landlock_add_rule for {path} failed with errno {error}");
    }

    private static ulong Of(LandlockUse use, LandlockUse wanted, ulong access) => (use & wanted) == wanted ? access : 0;

    /// <summary>Puts the ruleset on the calling process; allocates nothing. False when the kernel refuses.</summary>
    public bool RestrictSelf() => Libc.syscall(SysRestrictSelf, ruleset, 0, 0, 0, 0) == 0;

    public void Dispose() => _ = Libc.close(ruleset);
}
