using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Redaction;

namespace Moat.Gateway.WebSockets;

/// <summary>
/// A WebSocket's two directions (RFC 6455; RFC 8441 over HTTP/2), between the forwarder's hands:
/// <code>
///   agent ──► accepted stream ──► FrameFlow (masked) ──────────────────► upstream
///   agent ◄────────────────────── FrameFlow (unmasked, redacted) ◄────── response content
/// </code>
/// No extension is agreed on: compressed frames could not be looked into. The first violation, on either side, ends both:
/// the client gets a Close with 1008, the upstream's connection is cut, one denial is recorded.
/// </summary>
internal sealed class WebSocketRelay : IHttpUpgradeFeature, IHttpExtendedConnectFeature, IDisposable
{
    /// <summary>RFC 6455 §7.4.1: a message that violates the policy of who closes.</summary>
    public const int PolicyViolation = 1008;

    // A client that does not read its Close holds nothing up for longer than this.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly Exchange _exchange;
    private readonly Recorder _recorder;
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly CancellationTokenSource _failed = new();
    private readonly Lock _lock = new();
    private Timer? _farewell;
    private bool _over;
    private volatile bool _accepted;

    private WebSocketRelay(Exchange exchange, Recorder recorder, IHttpUpgradeFeature? upgrade, IHttpExtendedConnectFeature? connect)
    {
        (_exchange, _recorder, _upgrade, _connect) = (exchange, recorder, upgrade, connect);
        if (upgrade is not null)
            exchange.Http.Features.Set<IHttpUpgradeFeature>(this);
        else
            exchange.Http.Features.Set<IHttpExtendedConnectFeature>(this);
    }

    /// <summary>Why the WebSocket ends; null while all is well.</summary>
    public string? Violation { get; private set; }

    bool IHttpUpgradeFeature.IsUpgradableRequest => _upgrade is { IsUpgradableRequest: true };

    bool IHttpExtendedConnectFeature.IsExtendedConnect => _connect is { IsExtendedConnect: true };

    string? IHttpExtendedConnectFeature.Protocol => _connect?.Protocol;

    /// <summary>Stands between the server and the forwarder where the request asks for a WebSocket; null where it asks for none.</summary>
    public static WebSocketRelay? Attach(Exchange exchange, Recorder recorder)
    {
        var features = exchange.Http.Features;
        if (features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
            return new WebSocketRelay(exchange, recorder, null, connect);
        return exchange.Http.Request.Headers.Upgrade.Count > 0 && features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
            ? new WebSocketRelay(exchange, recorder, upgrade, null)
            : null;
    }

    /// <summary>Offers no extension.</summary>
    public static void Prepare(HttpRequestMessage request) => request.Headers.Remove("Sec-WebSocket-Extensions");

    /// <summary>The upstream's side of an accepted WebSocket.</summary>
    /// <param name="response">Its answer, to look at; <paramref name="body"/> is its stream.</param>
    /// <exception cref="RedactionRefusedException">The upstream chose what was not offered.</exception>
    public HttpContent Accept(HttpResponseMessage response, HttpContent body) => response.Headers.Contains("Sec-WebSocket-Extensions")
        ? throw new RedactionRefusedException("the upstream chose a WebSocket extension that was not offered")
        : new Upgraded(body, stream => Stream(stream, fromClient: false));

    async Task<Stream> IHttpUpgradeFeature.UpgradeAsync() => Stream(await _upgrade!.UpgradeAsync(), fromClient: true);

    async ValueTask<Stream> IHttpExtendedConnectFeature.AcceptAsync() => Stream(await _connect!.AcceptAsync(), fromClient: true);

    /// <summary>Reads, unless a violation ends the WebSocket meanwhile: then there is nothing more to read.</summary>
    public async ValueTask<int> ReadAsync(Stream from, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (Violation is not null)
            return 0;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _failed.Token);
        try
        {
            return await from.ReadAsync(buffer, either.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && Violation is not null)
        {
            return 0;
        }
    }

    /// <summary>Ends both directions. Only the first violation counts.</summary>
    public void Fail(string violation)
    {
        if (!Begin(violation))
            return;
        var authority = _exchange.Destination.Authority;
        _recorder.RequestDenied(
            new Refusal(403, DenialKind.Protocol, "WebSocket, RFC 6455", violation, "send frames that every endpoint reads in one way"),
            authority.Host.Value, authority.Port, "GET", _exchange.Target);
        // The other direction goes on by itself, not inside of this one.
        _ = _failed.CancelAsync();
    }

    /// <summary>Ends both directions for a reason that is recorded already. False where there is no WebSocket yet.</summary>
    public bool End(string reason)
    {
        if (!_accepted)
            return false;
        if (Begin(reason))
            _ = _failed.CancelAsync();
        return true;
    }

    public void Count(int bytes, bool fromClient)
    {
        if (fromClient)
            _exchange.BytesIn += bytes;
        else
            _exchange.BytesOut += bytes;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            // The context belongs to another request from here on.
            _over = true;
            _farewell?.Dispose();
        }
        _failed.Dispose();
    }

    private bool Begin(string violation)
    {
        lock (_lock)
        {
            if (Violation is not null || _over)
                return false;
            Violation = violation;
            _farewell = new Timer(static relay => ((WebSocketRelay)relay!).Abort(), this, Farewell, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    private void Abort()
    {
        lock (_lock)
        {
            if (!_over)
                _exchange.Http.Abort();
        }
    }

    private WebSocketStream Stream(Stream inner, bool fromClient)
    {
        // Both sides are there once the client's is.
        _accepted |= fromClient;
        return new(inner, new FrameFlow(fromClient, _exchange.Redactor, new ControlBudget(TimeProvider.System)), this, fromClient);
    }

    /// <summary>An upgraded connection, one stream for both directions.</summary>
    private sealed class Upgraded(HttpContent body, Func<Stream, Stream> wrap) : HttpContent
    {
        protected override async Task<Stream> CreateContentReadStreamAsync() => wrap(await body.ReadAsStreamAsync());

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException("the stream is read, not written");

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                body.Dispose();
            base.Dispose(disposing);
        }
    }
}
