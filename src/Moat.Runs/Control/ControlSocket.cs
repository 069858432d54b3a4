using System.Net.Sockets;

namespace Moat.Runs;

/// <summary>Where a run's control socket stands. A socket's path may have 107 bytes; a folder may be deeper than that.</summary>
internal static class ControlSocket
{
    /// <summary>Bytes of <c>sun_path</c> without its terminating zero (unix(7)).</summary>
    public const int MaxPath = 107;

    /// <summary>
    /// An address for the socket of a folder. A long path goes through a descriptor of the folder
    /// (<c>/proc/self/fd/N/control.sock</c>), which the returned handle holds open.
    /// </summary>
    public static IDisposable? Address(RunFolder folder, out UnixDomainSocketEndPoint address)
    {
        var path = folder.SocketPath;
        if (System.Text.Encoding.UTF8.GetByteCount(path) <= MaxPath)
        {
            address = new UnixDomainSocketEndPoint(path);
            return null;
        }

        var handle = Native.OpenFolder(folder.Root);
        address = new UnixDomainSocketEndPoint($"/proc/self/fd/{handle.DangerousGetHandle()}/{Path.GetFileName(path)}");
        return handle;
    }
}
