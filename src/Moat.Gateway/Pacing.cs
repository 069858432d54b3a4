using System.Net.Sockets;

namespace Moat.Gateway;

/// <summary>
/// Congestion control on connections that never leave the machine. A host may run BBR for its real network; on loopback
/// its pacing takes a timer for every few packets and a fifth of the processor time of a transfer. Reno
/// is part of every kernel and open to every user.
/// </summary>
internal static class Pacing
{
    // tcp(7)
    private const int Tcp = 6;
    private const int TcpCongestion = 13;

    /// <summary>Before a connect or on a listener, whose connections inherit it.</summary>
    internal static void Disable(Socket socket)
    {
        try
        {
            socket.SetRawSocketOption(Tcp, TcpCongestion, "reno"u8);
        }
        catch (SocketException)
        {
            // A kernel that has locked the choice: slower, and nothing else.
        }
    }
}
