using System.Globalization;
using System.Runtime.InteropServices;

namespace Moat.Gateway;

/// <summary>
/// Settings of the process in which a gateway runs. They hold for the whole process and can be made only before its
/// first socket, so its program asks for them.
/// </summary>
public static partial class GatewayProcess
{
    // mallopt(3); the number is glibc's. Elsewhere the call is missing or refuses it, and nothing is lost but memory.
    private const int ArenaMax = -8;

    /// <summary>
    /// What waits for a socket goes on in the thread that heard of the socket, without a hop to the pool: a fifth of a
    /// request's processor time. Nothing in a gateway waits in such a thread for anything but a write(2). The base
    /// library takes these two from the environment alone.
    /// </summary>
    public static void Prepare()
    {
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", Math.Clamp(Environment.ProcessorCount, 1, 4).ToString(CultureInfo.InvariantCulture));
        LimitArenas();
    }

    // OpenSSL's buffers would otherwise be spread over one arena for each thread that ever took a handshake.
    private static void LimitArenas()
    {
        try
        {
            _ = MallOpt(ArenaMax, 2);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has one arena.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
