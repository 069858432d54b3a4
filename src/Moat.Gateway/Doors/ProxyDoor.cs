using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Moat.Gateway.Pipeline;
using Moat.Policy;
using Authority = Moat.Gateway.Identity.Authority;

namespace Moat.Gateway.Doors;

/// <summary>
/// The explicit proxy's door, the first middleware of its connections.
/// <code>
///             (1) first request line
///   client ───────────┬── CONNECT ──► (2) decide ──► 200 ──► (3) first byte ─┬─ 0x16 ──► TLS ──► HTTP
///                     │                    └──► 403, close                   └─ other ──► HTTP in the clear
///                     └── anything else ──► HTTP (absolute form)
/// </code>
/// Bytes behind the CONNECT head stay in the pipe for whoever reads next.
/// </summary>
internal sealed class ProxyDoor(NetworkPolicy policy, PolicyGate gate, LiveTraffic traffic, Recorder recorder)
{
    /// <summary>Time a client has for its CONNECT head.</summary>
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Time until a tunnel's first byte; clients open tunnels ahead of need.</summary>
    private static readonly TimeSpan FirstByteTimeout = TimeSpan.FromMinutes(2);

    private static ReadOnlySpan<byte> Established => "HTTP/1.1 200 Connection established\r\n\r\n"u8;

    /// <param name="tls">Takes a TLS handshake, then serves HTTP.</param>
    /// <param name="plain">Serves HTTP as it comes.</param>
    public async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate tls, ConnectionDelegate plain)
    {
        // 1
        var (status, target, error) = await ReadHeadAsync(connection);
        if (status == ConnectHeadStatus.NotConnect)
        {
            connection.Features.Set(new DoorConnection(DoorKind.Proxy, host: null, port: 0));
            await plain(connection);
            return;
        }
        if (status == ConnectHeadStatus.Malformed)
        {
            var malformed = new Refusal(400, DenialKind.Protocol, "a malformed CONNECT", error, "send 'CONNECT host:port HTTP/1.1' with a valid host");
            recorder.ConnectDenied(malformed, host: "", port: 0);
            await RefuseAsync(connection, malformed, host: "");
            return;
        }
        if (status != ConnectHeadStatus.Complete)
            return; // the client left

        // 2
        var door = new DoorConnection(DoorKind.Tunnel, target.Host, target.Port);
        using var live = traffic.Enter(connection, door);
        var decision = policy.DecideHost(target.Host, target.Port);
        if ((decision.Allowed ? gate.Connect(target.Host, target.Port) : Refusal.ByPolicy(decision)) is { } denial)
        {
            recorder.ConnectDenied(denial, target.Host.Value, target.Port);
            await RefuseAsync(connection, denial, target.Host.Value);
            return;
        }
        connection.Features.Set(door);
        await connection.Transport.Output.WriteAsync(Established.ToArray());

        // 3
        var first = await PeekByteAsync(connection.Transport.Input, FirstByteTimeout);
        if (first == TlsDoor.HandshakeRecord)
        {
            await tls(connection);
        }
        else if (first >= 0 && target.Port != 443)
        {
            await plain(connection);
        }
        else if (first >= 0)
        {
            recorder.ConnectDenied(TlsDoor.NotTls, target.Host.Value, target.Port);
        }
    }

    /// <summary>The first byte without consuming it; -1 when the peer left or the time is over.</summary>
    internal static async ValueTask<int> PeekByteAsync(PipeReader input, TimeSpan timeout)
    {
        if (!input.TryRead(out var result))
        {
            using var expiry = new CancellationTokenSource(timeout);
            try
            {
                result = await input.ReadAsync(expiry.Token);
            }
            catch (OperationCanceledException)
            {
                return -1;
            }
            catch (IOException)
            {
                return -1; // the peer reset the connection
            }
        }
        int first = result.Buffer.IsEmpty ? -1 : result.Buffer.FirstSpan[0];
        // Not marked as examined, so that the next reader gets these bytes at once.
        input.AdvanceTo(result.Buffer.Start);
        return first;
    }

    private static async ValueTask<(ConnectHeadStatus Status, Authority Target, string Error)> ReadHeadAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        using var expiry = new CancellationTokenSource(HeadTimeout);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(expiry.Token);
                var status = ConnectHead.Read(read.Buffer, out var target, out var length, out var error);
                if (status == ConnectHeadStatus.Incomplete && !read.IsCompleted)
                {
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    continue;
                }
                input.AdvanceTo(status == ConnectHeadStatus.Complete ? read.Buffer.GetPosition(length) : read.Buffer.Start);
                return (status, target, error);
            }
        }
        catch (OperationCanceledException)
        {
            return (ConnectHeadStatus.Incomplete, default, "");
        }
        catch (IOException)
        {
            return (ConnectHeadStatus.Incomplete, default, ""); // the peer reset the connection
        }
    }

    private static async Task RefuseAsync(ConnectionContext connection, Refusal refusal, string host)
    {
        var body = DenialBody.Write(refusal, host);
        var head = $"HTTP/1.1 {refusal.Status} {(refusal.Status == 403 ? "Forbidden" : "Bad Request")}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n{DenialBody.BlockedHeader}: {refusal.Kind}\r\nConnection: close\r\n\r\n";
        connection.Transport.Output.Write(Encoding.ASCII.GetBytes(head));
        await connection.Transport.Output.WriteAsync(body);
    }
}
