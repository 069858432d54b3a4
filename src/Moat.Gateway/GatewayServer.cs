using System.Diagnostics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moat.Gateway.Certificates;
using Moat.Gateway.Dns;
using Moat.Gateway.Doors;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Upstream;
using Moat.Policy;
using Moat.Spec;
using Yarp.ReverseProxy.Forwarder;

namespace Moat.Gateway;

/// <summary>
/// The one way out of a sandbox.
/// <code>
///   proxy :3128 ─► ProxyDoor ───┬─ CONNECT ─► TlsDoor ─┐
///                               └─ absolute form ──────┤
///   any :443 ────► TransparentDoor ─────────► TlsDoor ─┼─► Kestrel's HTTP ─► RequestPipeline ─► upstream
///   any :80 ─────► TransparentDoor ────────────────────┘
///   any :53 ─────► DnsResponder (names become synthetic addresses)
/// </code>
/// Kestrel runs without the generic host: no configuration, no logs, no scopes, a start of a few milliseconds.
/// </summary>
public sealed class GatewayServer : IAsyncDisposable
{
    private readonly IServer _kestrel;
    private readonly DnsServer _dns;
    private readonly IDisposable[] _parts;

    private GatewayServer(IServer kestrel, DnsServer dns, IDisposable[] parts)
    {
        _kestrel = kestrel;
        _dns = dns;
        _parts = parts;
    }

    /// <summary>Serves the sockets until disposed.</summary>
    /// <param name="listeners">Owned by the gateway from here on, also when this throws.</param>
    /// <exception cref="MoatException">The network spec holds something unusable (<c>network.ca</c>).</exception>
    public static async Task<GatewayServer> StartAsync(GatewayOptions options, GatewayListeners listeners, CancellationToken cancellationToken)
    {
        var names = new SyntheticNames();
        var budget = new DnsBudget(TimeProvider.System);
        var redactor = new RunRedactor(options.Grants);
        var recorder = new Recorder(options.Audit, redactor, options.OnDenied);
        var certificates = new LeafCertificates(options.Authority);
        var tls = new UpstreamTls(options.Network);
        var dialer = new UpstreamDialer(options.Network, PolicyAnswers.AddressCheck(options.Policy));
        var upstream = new HttpMessageInvoker(UpstreamHandler.Create(dialer, tls), disposeHandler: true);
        var collection = new ServiceCollection()
            .AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance)
            .AddSingleton(typeof(ILogger<>), typeof(NullLogger<>))
            .AddSingleton<DiagnosticSource>(new MalformedRequests(recorder))
            .AddMetrics()
            .AddHttpForwarder();
        KestrelHost.Add(collection, listeners, new DoorSet(
            new ProxyDoor(options.Policy, recorder), new TransparentDoor(names, recorder), new TlsDoor(certificates, recorder)));
        var services = collection.BuildServiceProvider();
        var pipeline = new RequestPipeline(
            options.Policy, budget, options.Grants, recorder, redactor, services.GetRequiredService<IHttpForwarder>(), upstream);
        var kestrel = services.GetRequiredService<IServer>();
        try
        {
            await kestrel.StartAsync(new GatewayApplication(pipeline), cancellationToken);
            var responder = new DnsResponder(PolicyAnswers.DnsRules(options.Policy, budget, recorder), names, TimeProvider.System);
            return new GatewayServer(kestrel, DnsServer.Start(responder, listeners.DnsUdp, listeners.DnsTcp), [services, upstream, tls, certificates, redactor]);
        }
        catch
        {
            foreach (var part in new IDisposable[] { services, upstream, tls, certificates, redactor })
                part.Dispose();
            throw;
        }
    }

    /// <summary>Stops at once: exchanges under way are cut and get a second to record their outcomes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _dns.DisposeAsync();
        // An expired grace period: Kestrel aborts the connections instead of waiting for them.
        await _kestrel.StopAsync(new CancellationToken(canceled: true));
        foreach (var part in _parts)
            part.Dispose();
    }
}
