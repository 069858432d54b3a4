using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Moat.Gateway.Doors;
using Moat.Gateway.Pipeline;
using Moat.Policy;

namespace Moat.Gateway.Databases;

/// <summary>
/// The doors on the ports of the run's databases. A connection to the host and port of a grant becomes a
/// <see cref="DatabaseSession"/>; every other one is refused and recorded.
/// </summary>
internal sealed class DatabaseDoor : IAsyncDisposable
{
    /// <summary>Sessions at once, of all databases; each has two connections and two buffers.</summary>
    private const int MaxSessions = 256;

    private readonly DatabaseServices _services;
    private readonly List<Socket> _listeners = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _free = new(MaxSessions);
    private readonly ConcurrentDictionary<Task, byte> _sessions = new();
    private readonly Task _loops;

    private DatabaseDoor(DatabaseServices services, IReadOnlyDictionary<int, IReadOnlyList<SafeSocketHandle>> listeners)
    {
        _services = services;
        var loops = new List<Task>();
        foreach (var port in services.Grants.Select(grant => grant.Database?.Port).OfType<int>().Distinct())
        {
            foreach (var handle in listeners.GetValueOrDefault(port) ?? [])
            {
                var socket = new Socket(handle);
                _listeners.Add(socket);
                socket.Listen(MaxSessions);
                loops.Add(Task.Run(() => AcceptAsync(socket, port)));
            }
        }
        _loops = Task.WhenAll(loops);
    }

    /// <param name="services">The gateway's parts.</param>
    /// <param name="listeners">By port. Those of the run's databases are owned from here on.</param>
    public static DatabaseDoor Open(DatabaseServices services, IReadOnlyDictionary<int, IReadOnlyList<SafeSocketHandle>> listeners) => new(services, listeners);

    /// <summary>Cuts every session, and waits until their outcomes are recorded.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var listener in _listeners) listener.Dispose();
        await _loops.ConfigureAwait(false);
        await Task.WhenAll(_sessions.Keys).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener, int port)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _free.WaitAsync(_stop.Token).ConfigureAwait(false);
                Start(await listener.AcceptAsync(_stop.Token).ConfigureAwait(false), port);
            }
            catch (SocketException)
            {
                // The client was gone before it was accepted.
                _free.Release();
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private void Start(Socket client, int port)
    {
        var session = Task.Run(async () =>
        {
            try
            {
                using (client) await ServeAsync(client, port).ConfigureAwait(false);
            }
            finally
            {
                _free.Release();
            }
        });
        _sessions[session] = 0;
        _ = session.ContinueWith(done => _sessions.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task ServeAsync(Socket client, int port)
    {
        if (HostOf(client) is not { } host) return;
        var grant = _services.Grants.FirstOrDefault(grant => grant.Database is { } database && database.Port == port && database.Host == host.Value);
        if (grant is null)
        {
            _services.Recorder.ConnectDenied(new Refusal(
                403, DenialKind.Grant, "databases of grants alone", $"the run has no grant for a database at {host.Value}:{port}", "moat grant postgres, mysql or redis with this --host"), host.Value, port);
            return;
        }
        await new DatabaseSession(_services, grant, host, client).RunAsync(_stop.Token).ConfigureAwait(false);
    }

    /// <summary>The name behind the address that the client dialled, else that address.</summary>
    private CanonicalHost? HostOf(Socket client)
    {
        if (client.LocalEndPoint is not IPEndPoint { Address: var address }) return null;
        if (TransparentDoor.Plain(address) is var plain && _services.Names.TryFind(plain, out var name)) return CanonicalHost.TryParse(name, out var named, out _) ? named : null;
        return CanonicalHost.TryParse(plain.ToString(), out var literal, out _) ? literal : null;
    }
}
