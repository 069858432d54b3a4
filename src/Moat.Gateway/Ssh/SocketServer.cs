using System.Net.Sockets;

namespace Moat.Gateway.Ssh;

/// <summary>Accepts connections on listening sockets and serves so many at once; the next one waits.</summary>
internal sealed class SocketServer : IAsyncDisposable
{
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _free;
    private readonly Func<Socket, CancellationToken, Task> _serve;
    private readonly int _limit;
    private readonly Socket[] _listeners;
    private readonly Task _loops;

    private SocketServer(IEnumerable<SafeSocketHandle> listeners, int limit, Func<Socket, CancellationToken, Task> serve)
    {
        (_limit, _serve, _free) = (limit, serve, new SemaphoreSlim(limit));
        _listeners = [.. listeners.Select(handle => new Socket(handle))];
        _loops = Task.WhenAll(_listeners.Select(AcceptAsync));
    }

    /// <param name="listeners">Listening sockets; owned from here on.</param>
    /// <param name="limit">Connections at a time.</param>
    /// <param name="serve">Serves one connection, which is closed afterwards; does not throw for what a client does.</param>
    public static SocketServer Start(IEnumerable<SafeSocketHandle> listeners, int limit, Func<Socket, CancellationToken, Task> serve) => new(listeners, limit, serve);

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var listener in _listeners) listener.Dispose();
        await _loops.ConfigureAwait(false);
        // Connections under way record their outcomes.
        for (var i = 0; i < _limit; i++)
        {
            if (!await _free.WaitAsync(s_lastWords, CancellationToken.None).ConfigureAwait(false)) return;
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _free.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            Socket connection;
            try
            {
                connection = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client was gone before it was accepted, or all ends.
                _free.Release();
                continue;
            }
            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        await Task.Yield();
        try
        {
            using (connection) await _serve(connection, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client broke off: the connection is over.
        }
        finally
        {
            _free.Release();
        }
    }
}
