using System.Runtime.InteropServices;

namespace Moat.Linux.Confinement;

/// <summary>Call numbers of the two architectures, from the kernel's tables (asm/unistd.h).</summary>
internal static class SyscallNumbers
{
    public static readonly (uint Clone, uint Clone3, uint Ioctl, uint Socket, uint SocketPair, uint Personality) X64 = (56, 435, 16, 41, 53, 135);
    public static readonly (uint Clone, uint Clone3, uint Ioctl, uint Socket, uint SocketPair, uint Personality) Arm64 = (220, 435, 29, 198, 199, 92);

    /// <summary>Refused calls: name, x86-64 number, arm64 number; -1 where the architecture lacks it.</summary>
    private static readonly (string Name, int X64, int Arm64)[] Table =
    [
        ("io_uring_setup", 425, 425), ("io_uring_enter", 426, 426), ("io_uring_register", 427, 427),
        ("bpf", 321, 280), ("perf_event_open", 298, 241), ("userfaultfd", 323, 282),
        ("keyctl", 250, 219), ("add_key", 248, 217), ("request_key", 249, 218),
        ("init_module", 175, 105), ("finit_module", 313, 273), ("delete_module", 176, 106),
        ("kexec_load", 246, 104), ("kexec_file_load", 320, 294),
        ("mount", 165, 40), ("umount2", 166, 39), ("pivot_root", 155, 41), ("chroot", 161, 51),
        ("fsopen", 430, 430), ("fsconfig", 431, 431), ("fsmount", 432, 432), ("fspick", 433, 433),
        ("open_tree", 428, 428), ("move_mount", 429, 429), ("mount_setattr", 442, 442), ("open_tree_attr", 467, 467),
        ("unshare", 272, 97), ("setns", 308, 268),
        ("open_by_handle_at", 304, 265), ("name_to_handle_at", 303, 264),
        ("ptrace", 101, 117), ("process_vm_readv", 310, 270), ("process_vm_writev", 311, 271),
        ("pidfd_getfd", 438, 438), ("process_madvise", 440, 440), ("kcmp", 312, 272),
        ("swapon", 167, 224), ("swapoff", 168, 225), ("reboot", 169, 142), ("syslog", 103, 116), ("acct", 163, 89),
        ("quotactl", 179, 60), ("quotactl_fd", 443, 443),
        ("settimeofday", 164, 170), ("clock_settime", 227, 112), ("adjtimex", 159, 171), ("clock_adjtime", 305, 266),
        ("iopl", 172, -1), ("ioperm", 173, -1), ("modify_ldt", 154, -1), ("vhangup", 153, 58), ("lookup_dcookie", 212, 18),
        ("nfsservctl", 180, 42), ("uselib", 134, -1), ("ustat", 136, -1), ("sysfs", 139, -1), ("_sysctl", 156, -1),
        ("fanotify_init", 300, 262), ("move_pages", 279, 239), ("migrate_pages", 256, 238), ("mbind", 237, 235), ("set_mempolicy_home_node", 450, 450),
    ];

    /// <summary>execve and execveat.</summary>
    public static uint[] Exec(bool x64) => x64 ? [59, 322] : [221, 281];

    public static int Seccomp => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 317 : 277;

    public static IEnumerable<uint> Refused(bool x64) => Table.Select(row => x64 ? row.X64 : row.Arm64).Where(n => n >= 0).Select(n => (uint)n);
}
