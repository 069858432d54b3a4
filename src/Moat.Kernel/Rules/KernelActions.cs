namespace Moat.Kernel;

/// <summary>What the kernel can be asked to allow or refuse on a file, as the bits of <c>bpf/maps.h</c>.</summary>
[Flags]
public enum KernelActions
{
    None = 0,

    /// <summary>Opening for reading; listing, for a directory.</summary>
    Read = 0x001,

    /// <summary>Opening for writing, and truncating.</summary>
    Write = 0x002,

    /// <summary>Making a file, directory, node, link or symbolic link of this name, or renaming to it.</summary>
    Create = 0x004,

    /// <summary>Removing, or being replaced by a rename.</summary>
    Delete = 0x008,

    /// <summary>Being renamed.</summary>
    Rename = 0x010,

    /// <summary>Being given a further hard link.</summary>
    Link = 0x020,

    /// <summary>Changing mode, owner, times and extended attributes.</summary>
    Metadata = 0x040,

    /// <summary>Being executed, or being the interpreter of a script that is.</summary>
    Execute = 0x080,

    /// <summary>Being mapped as code: what a shared library needs, and what <c>ld.so ./program</c> does.</summary>
    Map = 0x100,

    /// <summary>Connecting or sending to a UNIX socket of this name.</summary>
    UnixConnect = 0x200,

    /// <summary>Every action on files.</summary>
    All = 0x3ff,

    /// <summary>Named in events only: a connection or datagram.</summary>
    Connect = 0x10000,

    /// <summary>Named in events only: a socket of a kind whose traffic is not judged.</summary>
    Socket = 0x20000,

    /// <summary>Named in events only: mounting, unmounting, pivoting.</summary>
    Mount = 0x40000,

    /// <summary>Named in events only: tracing or reading a process outside the run.</summary>
    Trace = 0x80000,

    /// <summary>Named in events only: a signal to a process outside the run.</summary>
    Signal = 0x100000,

    /// <summary>Named in events only: BPF, perf events, kernel modules.</summary>
    Kernel = 0x200000,

    /// <summary>Named in events only: writing a file of a cgroup outside the run's own.</summary>
    Cgroup = 0x400000,
}
