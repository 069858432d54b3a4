using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Moat.Kernel;
using Moat.Kernel.Guest;

// The rows are attacked first with nothing in force, then on fresh trees with the rules of all of them in force at once.
var rows = File.ReadAllLines("/rows").Select(line => line.Split(' ')).Select(words => (Row: words[0], Place: words[1])).ToList();
Directory.CreateDirectory(Commands.Run);
var probe = LsmProbe.Run();
Report.Write("probe", "guest", new JsonObject { ["available"] = probe.Available, ["detail"] = probe.Detail });

using var good = Listener(7001);
using var bad = Listener(7002);
Places.Build("before", rows);
var before = rows.ToDictionary(row => row, row => Commands.Attack(row.Row, Places.PathOf(row.Place, "before", row.Row)));

Places.Build("after", rows);
using (var enforcer = KernelEnforcer.Load(Commands.Run))
{
    // The first generation lets all through, so that the second is one that tightens.
    enforcer.Publish(new KernelRules());
    enforcer.Publish(new KernelRules
    {
        Files = [.. rows.SelectMany(row => Tree.Rules(Places.PathOf(row.Place, "after", row.Row), row.Row.StartsWith("run_", StringComparison.Ordinal) || row.Row.Contains("code", StringComparison.Ordinal) || row.Row.Contains("good", StringComparison.Ordinal)))],
        Connects = [new KernelConnectRule(IPNetwork.Parse("127.0.0.1/32"), 7001, 7001, KernelTransport.Tcp, true)],
        Anonymous = KernelActions.All & ~(KernelActions.Execute | KernelActions.Map),
        AbstractSockets = false,
        OverlayLayers = true,
    });
    foreach (var row in rows)
    {
        enforcer.Read(TimeSpan.Zero);
        var after = Commands.Attack(row.Row, Places.PathOf(row.Place, "after", row.Row));
        var result = Report.Events(enforcer.Read(TimeSpan.Zero));
        result["before"] = before[row];
        result["after"] = after;
        Report.Write(row.Row, row.Place, result);
    }
}

Report.Write("end", "guest", []);

static Socket Listener(int port)
{
    var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
    socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
    socket.Listen(512);
    return socket;
}
