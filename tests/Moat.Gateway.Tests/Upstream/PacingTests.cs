using System.Net.Sockets;
using System.Text;

namespace Moat.Gateway.Tests.Upstream;

public sealed class PacingTests
{
    [Fact]
    public void A_connection_on_this_machine_is_not_paced_whatever_the_host_is_set_to()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Pacing.Disable(socket);
        var name = new byte[16];
        var length = socket.GetRawSocketOption(6, 13, name);
        Assert.Equal("reno", Encoding.ASCII.GetString(name, 0, length).TrimEnd('\0'));
    }
}
