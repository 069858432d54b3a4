using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Moat.Spec;

namespace Moat.Configuration;

/// <summary>Reads files that the agent may have made: never waits on a pipe, never reads more than asked for.</summary>
internal static partial class BoundedFile
{
    private const int ReadOnlyNoWait = 0x80000 /* O_CLOEXEC */ | 0x800 /* O_NONBLOCK */;
    private const int NoEntry = 2;
    private const int NoDevice = 6;
    private const int NotFolder = 20;

    /// <summary>The bytes, at most <paramref name="max"/> and one more; null when there is no such file.</summary>
    /// <exception cref="MoatException">It cannot be read.</exception>
    public static byte[]? Read(string path, int max)
    {
        using var handle = Open(path, ReadOnlyNoWait);
        if (handle.IsInvalid)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno is NoEntry or NotFolder) return null;
            throw new MoatException($"{path} cannot be read: {Marshal.GetPInvokeErrorMessage(errno)}", "check its mode and owner");
        }
        try
        {
            var buffer = new byte[4096];
            using var stream = new MemoryStream();
            var offset = 0L;
            while (stream.Length <= max && RandomAccess.Read(handle, buffer, offset) is var read and > 0)
            {
                stream.Write(buffer, 0, read);
                offset += read;
            }
            return stream.ToArray();
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new MoatException($"{path} cannot be read: {ex.Message}", "put a plain file there", inner: ex);
        }
    }

    /// <summary>True for a Unix socket (which cannot be opened as a file).</summary>
    public static bool IsSocket(string path)
    {
        using var handle = Open(path, ReadOnlyNoWait);
        return handle.IsInvalid && Marshal.GetLastPInvokeError() == NoDevice;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);
}
