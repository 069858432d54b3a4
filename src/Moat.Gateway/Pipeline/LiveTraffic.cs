using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Moat.Gateway.Doors;
using Moat.Gateway.Mcp;
using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// What is under way while a policy can be replaced: connections, and exchanges with their streams and WebSockets. Each is
/// here before it is decided on, so that it meets the new policy one way or the other.
/// </summary>
internal sealed class LiveTraffic(PolicyGate gate, McpGate mcpGate, Recorder recorder)
{
    private readonly ConcurrentDictionary<Live, byte> _live = new();

    private PolicyGate Gate => gate;

    private McpGate Mcp => mcpGate;

    private Recorder Recorder => recorder;

    /// <summary>Null where no policy can be replaced.</summary>
    public Live? Enter(Exchange exchange, string method) => Add(Gate.HasPolicy ? new LiveExchange(this, exchange, method) : null);

    /// <inheritdoc cref="Enter(Exchange, string)"/>
    public Live? Enter(ConnectionContext connection, DoorConnection door) => Add(Gate.HasPolicy ? new LiveConnection(this, connection, door) : null);

    /// <summary>A session that is relayed as it is: what the policy says of it, and what cuts it.</summary>
    public Live? Enter(CanonicalHost host, int port, Func<Refusal?> judge, Action cut) => Add(Gate.HasPolicy ? new LiveSession(this, host, port, judge, cut) : null);

    /// <summary>Asks the policy again about all that is under way, and ends what it denies now.</summary>
    /// <returns>How much was ended.</returns>
    public int Rejudge()
    {
        var ended = 0;
        foreach (var (live, _) in _live)
        {
            if (live.Rejudge())
                ended++;
        }
        return ended;
    }

    private Live? Add(Live? live)
    {
        if (live is not null)
            _live.TryAdd(live, 0);
        return live;
    }

    private static Refusal Now(Refusal refusal) => refusal with { Reason = $"{refusal.Reason}; the policy was replaced while this was under way" };

    /// <summary>One thing under way, until it is disposed.</summary>
    internal abstract class Live(LiveTraffic traffic) : IDisposable
    {
        private readonly Lock _lock = new();
        private bool _over;

        /// <summary>Why this was ended; null while it was not.</summary>
        public string? Ended { get; private set; }

        protected LiveTraffic Traffic => traffic;

        public bool Rejudge()
        {
            // What is over may be another request's by now, so it cannot end while this looks at it.
            lock (_lock)
            {
                if (_over || Ended is not null || Judge() is not { } refusal)
                    return false;
                var now = Now(refusal);
                Ended = now.Reason;
                End(now);
                return true;
            }
        }

        public void Dispose()
        {
            lock (_lock)
                _over = true;
            traffic._live.TryRemove(this, out _);
        }

        protected abstract Refusal? Judge();

        protected abstract void End(Refusal refusal);
    }

    private sealed class LiveExchange(LiveTraffic traffic, Exchange exchange, string method) : Live(traffic)
    {
        protected override Refusal? Judge() => Traffic.Gate.Again(exchange, method) ?? Traffic.Mcp.Rejudge(exchange);

        protected override void End(Refusal refusal)
        {
            var authority = exchange.Destination.Authority;
            Traffic.Recorder.RequestDenied(refusal, authority.Host.Value, authority.Port, method, exchange.Target);
            if (exchange.WebSocket is not { } socket || !socket.End("the policy denies this WebSocket now"))
                exchange.Http.Abort();
        }
    }

    private sealed class LiveConnection(LiveTraffic traffic, ConnectionContext connection, DoorConnection door) : Live(traffic)
    {
        protected override Refusal? Judge() => door.Host is { } host ? Traffic.Gate.Connect(host, door.Port) : null;

        protected override void End(Refusal refusal)
        {
            Traffic.Recorder.ConnectDenied(refusal, door.Host!.Value.Value, door.Port);
            connection.Abort(new ConnectionAbortedException("the policy denies this connection now"));
        }
    }

    private sealed class LiveSession(LiveTraffic traffic, CanonicalHost host, int port, Func<Refusal?> judge, Action cut) : Live(traffic)
    {
        protected override Refusal? Judge() => judge();

        protected override void End(Refusal refusal)
        {
            Traffic.Recorder.ConnectDenied(refusal, host.Value, port);
            cut();
        }
    }
}
