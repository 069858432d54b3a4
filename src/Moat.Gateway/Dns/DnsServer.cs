using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Moat.Gateway.Dns;

/// <summary>
/// Serves the responder on the sockets that init made in the sandbox's network: a loop for each UDP socket, a loop for each
/// listening TCP socket. Owns the sockets. A query is at most 512 bytes on UDP; longer ones are cut and so malformed.
/// </summary>
internal sealed class DnsServer : IAsyncDisposable
{
    private const int MaxQuery = 512;
    private const int MaxConnections = 64;
    private const int MaxQueriesPerConnection = 1000;
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_repeats = TimeSpan.FromSeconds(30);

    private readonly DnsResponder _responder;
    private readonly List<Socket> _sockets = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _connections = new(MaxConnections);
    private readonly PeriodicTimer _repeats = new(s_repeats);
    private readonly Task _loops;

    private DnsServer(DnsResponder responder, IReadOnlyList<SafeSocketHandle> udp, IReadOnlyList<SafeSocketHandle> tcp)
    {
        _responder = responder;
        var loops = new List<Task>();
        foreach (var handle in udp)
        {
            var socket = new Socket(handle);
            _sockets.Add(socket);
            DatagramReply.Prepare(socket);
            loops.Add(Task.Run(() => ServeDatagramsAsync(socket)));
        }
        foreach (var handle in tcp)
        {
            var socket = new Socket(handle);
            _sockets.Add(socket);
            socket.Listen(MaxConnections);
            loops.Add(Task.Run(() => AcceptAsync(socket)));
        }
        loops.Add(Task.Run(WriteRepeatsAsync));
        _loops = Task.WhenAll(loops);
    }

    internal static DnsServer Start(DnsResponder responder, IReadOnlyList<SafeSocketHandle> udp, IReadOnlyList<SafeSocketHandle> tcp) => new(responder, udp, tcp);

    private async Task ServeDatagramsAsync(Socket socket)
    {
        var query = GC.AllocateUninitializedArray<byte>(MaxQuery, pinned: true);
        var answer = new byte[DnsWriter.MaxLength];
        var anyone = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var received = await socket.ReceiveMessageFromAsync(query.AsMemory(), SocketFlags.None, anyone, _stop.Token).ConfigureAwait(false);
                if ((received.SocketFlags & SocketFlags.Truncated) != 0) continue;
                var length = _responder.Answer(query.AsSpan(0, received.ReceivedBytes), answer);
                if (length > 0) DatagramReply.Send(socket, answer.AsSpan(0, length), received.PacketInformation.Address, received.RemoteEndPoint.Serialize());
            }
            catch (SocketException)
            {
                // One datagram's failure (an ICMP error of an earlier answer) is not the socket's end. Yields to others.
                await Task.Yield();
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _connections.WaitAsync(_stop.Token).ConfigureAwait(false);
                var connection = await AcceptOneAsync(listener).ConfigureAwait(false);
                if (connection is not null) _ = ServeConnectionAsync(connection);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<Socket?> AcceptOneAsync(Socket listener)
    {
        try
        {
            return await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // The client was gone before it was accepted.
            _connections.Release();
            return null;
        }
    }

    // RFC 1035 §4.2.2: each message after its length in two bytes.
    private async Task ServeConnectionAsync(Socket connection)
    {
        try
        {
            using var stream = new NetworkStream(connection, ownsSocket: true);
            var query = new byte[MaxQuery];
            var answer = new byte[2 + DnsWriter.MaxLength];
            for (var i = 0; i < MaxQueriesPerConnection; i++)
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                patience.CancelAfter(s_idle);
                await stream.ReadExactlyAsync(query.AsMemory(0, 2), patience.Token).ConfigureAwait(false);
                var length = BinaryPrimitives.ReadUInt16BigEndian(query);
                if (length > MaxQuery) return;
                await stream.ReadExactlyAsync(query.AsMemory(0, length), patience.Token).ConfigureAwait(false);
                var written = _responder.Answer(query.AsSpan(0, length), answer.AsSpan(2));
                if (written == 0) return;
                BinaryPrimitives.WriteUInt16BigEndian(answer, (ushort)written);
                await stream.WriteAsync(answer.AsMemory(0, 2 + written), patience.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // The client closed, broke off or was idle for too long: the connection is over.
        }
        finally
        {
            _connections.Release();
        }
    }

    private async Task WriteRepeatsAsync()
    {
        // Ends when the timer is disposed; DisposeAsync writes the rest.
        while (await _repeats.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false)) TryWriteRepeats();
    }

    /// <summary>Closes the sockets and records the counted repeats.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        _repeats.Dispose();
        foreach (var socket in _sockets) socket.Dispose();
        await _loops.ConfigureAwait(false);
        TryWriteRepeats();
        _stop.Dispose();
    }

    private void TryWriteRepeats()
    {
        try
        {
            _responder.Ledger.WriteRepeats();
        }
        catch (Exception)
        {
            // The audit log failed and says so itself; new names are answered SERVFAIL from now on. The counts are kept.
        }
    }
}
