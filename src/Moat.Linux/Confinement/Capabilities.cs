namespace Moat.Linux.Confinement;

/// <summary>Takes every capability from the calling thread, from all five sets (capabilities(7)).</summary>
public static unsafe class Capabilities
{
    /// <summary>Allocates nothing, so that it may run after a fork. False when a set could not be emptied.</summary>
    public static bool DropAll()
    {
        for (nuint capability = 0; capability < 64; capability++)
        {
            // EINVAL past the kernel's last capability ends the list.
            if (Libc.prctl(Libc.PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) break;
        }

        // PR_CAP_AMBIENT_CLEAR_ALL is 4.
        if (Libc.prctl(Libc.PR_CAP_AMBIENT, 4, 0, 0, 0) != 0) return false;
        var header = stackalloc uint[2];
        header[0] = 0x20080522;
        header[1] = 0;
        var data = stackalloc uint[6];
        new Span<uint>(data, 6).Clear();
        return Libc.syscall(Capset, (nint)header, (nint)data, 0, 0, 0) == 0;
    }

    private static int Capset => System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 126 : 91;
}
