using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Moat.Kernel;
using Moat.Kernel.Guest;

Directory.CreateDirectory(Commands.Run);
if (args is ["crash"])
{
    Scenarios.EnforceAndCrash();
    return;
}

var probe = LsmProbe.Run();
Report.Write("probe", "guest", new JsonObject { ["available"] = probe.Available, ["detail"] = probe.Detail });
using var good = Listener(7001);
using var bad = Listener(7002);
Attacks.Run(File.ReadAllLines("/rows").Select(line => line.Split(' ')).Select(words => (words[0], words[1])).ToList());
Scenarios.Run();
Report.Write("end", "guest", []);

static Socket Listener(int port)
{
    var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
    socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
    socket.Listen(512);
    return socket;
}
