using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Moat.Runs;

/// <summary>The few system calls of this room.</summary>
internal static partial class Native
{
    private const int O_PATH = 0x200000, O_DIRECTORY_X64 = 0x10000, O_DIRECTORY_ARM64 = 0x4000, O_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SO_PEERCRED = 17;

    public static SafeFileHandle OpenFolder(string path)
    {
        var directory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? O_DIRECTORY_ARM64 : O_DIRECTORY_X64;
        var handle = Open(path, O_PATH | directory | O_CLOEXEC);
        return handle >= 0 ? new SafeFileHandle(handle, ownsHandle: true) : throw new IOException($"{path} cannot be opened (errno {Marshal.GetLastPInvokeError()})");
    }

    /// <summary>Opens a file without any lock.</summary>
    public static SafeFileHandle OpenToRead(string path)
    {
        var handle = Open(path, O_CLOEXEC);
        return handle >= 0 ? new SafeFileHandle(handle, ownsHandle: true) : throw new IOException($"{path} cannot be opened (errno {Marshal.GetLastPInvokeError()})");
    }

    /// <summary>User number of the process at the other end of a Unix socket, or null.</summary>
    public static unsafe uint? PeerUser(System.Net.Sockets.Socket socket)
    {
        PeerCredentials peer = default;
        var length = (uint)sizeof(PeerCredentials);
        return GetSockOpt((int)socket.Handle, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.User : null;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "isatty")]
    public static partial int IsATty(int fd);

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    public static unsafe partial int GetTermios(int fd, Termios* into);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    public static unsafe partial int SetTermios(int fd, int when, Termios* from);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    public static unsafe partial void MakeRaw(Termios* termios);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static unsafe partial int Ioctl(int fd, nuint request, WindowSize* size);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static unsafe partial nint Read(int fd, byte* into, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static unsafe partial nint Write(int fd, byte* from, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static unsafe partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static unsafe partial int GetSockOpt(int fd, int level, int name, void* value, uint* length);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PeerCredentials
    {
        public int Process;
        public uint User;
        public uint Group;
    }

    /// <summary>struct termios of glibc and musl: 60 bytes; more room than either needs.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    internal struct Termios;

    [StructLayout(LayoutKind.Sequential)]
    internal struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort WidthPixels;
        public ushort HeightPixels;
    }
}
