using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Moat.Audit;

/// <summary>The three kernel calls that the base library does not offer.</summary>
internal static partial class Native
{
    private const int AtEmptyPath = 0x1000;
    private const uint StatxUid = 0x8;

    /// <summary>fdatasync(2): contents and length, not the timestamps that fsync(2) would write too.</summary>
    public static void DataSync(SafeFileHandle file)
    {
        while (FDataSync(file) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            const int interrupted = 4;
            if (error != interrupted)
                throw new IOException($"fdatasync failed: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>The owner of an open file. statx(2) because its layout is the same on every architecture.</summary>
    public static unsafe uint OwnerOf(SafeFileHandle file)
    {
        var buffer = stackalloc byte[256];
        if (Statx(file, "", AtEmptyPath, StatxUid, buffer) != 0)
            throw new IOException($"statx failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        const int uidOffset = 20;
        return *(uint*)(buffer + uidOffset);
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(SafeFileHandle file, string path, int flags, uint mask, byte* buffer);
}
