using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moat.Gateway.Certificates;
using Moat.Gateway.Databases;
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
///   any :5432 … ─► DatabaseDoor, on the ports of the run's databases ─► DatabaseSession ─► upstream
/// </code>
/// Kestrel runs without the generic host: no configuration, no logs, no scopes, a start of a few milliseconds.
/// </summary>
public sealed class GatewayServer : IAsyncDisposable
{
    private readonly KestrelHost _kestrel;
    private readonly RequestPipeline _pipeline;
    private readonly DnsResponder _responder;
    private readonly DatabaseServices _databases;
    private readonly IDisposable[] _parts;
    private DnsServer? _dns;
    private DatabaseDoor? _databaseDoor;

    private GatewayServer(KestrelHost kestrel, RequestPipeline pipeline, DnsResponder responder, DatabaseServices databases, IDisposable[] parts)
    {
        _databases = databases;
        _kestrel = kestrel;
        _pipeline = pipeline;
        _responder = responder;
        _parts = parts;
    }

    /// <summary>A gateway that serves nothing yet. It can be made while its sockets are.</summary>
    /// <exception cref="MoatException">The network spec holds something unusable (<c>network.ca</c>).</exception>
    public static GatewayServer Create(GatewayOptions options)
    {
        var names = new SyntheticNames();
        var budget = new DnsBudget(TimeProvider.System);
        var redactor = new RunRedactor(options.Grants);
        var recorder = new Recorder(options.Audit, redactor, options.OnDenied);
        var gate = new PolicyGate(options.RequestPolicy, options.ShadowsRequestPolicy);
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
        var kestrel = KestrelHost.Create(collection, new DoorSet(
            new ProxyDoor(options.Policy, gate, recorder), new TransparentDoor(names, recorder), new TlsDoor(certificates, recorder)));
        var pipeline = new RequestPipeline(
            options.Policy, gate, budget, options.Grants, recorder, redactor, kestrel.Services.GetRequiredService<IHttpForwarder>(), upstream);
        var responder = new DnsResponder(PolicyAnswers.DnsRules(options.Policy, budget, recorder), names, TimeProvider.System);
        var databases = new DatabaseServices(options.Policy, gate, options.Grants, options.Network, names, certificates, dialer, recorder, redactor);
        return new GatewayServer(kestrel, pipeline, responder, databases, [kestrel, upstream, tls, certificates, redactor]);
    }

    /// <summary><see cref="Create"/> and <see cref="ServeAsync"/> in one.</summary>
    /// <exception cref="MoatException">The network spec holds something unusable (<c>network.ca</c>).</exception>
    public static async Task<GatewayServer> StartAsync(GatewayOptions options, GatewayListeners listeners, CancellationToken cancellationToken)
    {
        var gateway = Create(options);
        try
        {
            await gateway.ServeAsync(listeners, cancellationToken);
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    /// <summary>Serves the sockets until disposed; once.</summary>
    /// <param name="listeners">Owned by the gateway from here on, also when this throws.</param>
    public async Task ServeAsync(GatewayListeners listeners, CancellationToken cancellationToken)
    {
        await _kestrel.StartAsync(listeners, new GatewayApplication(_pipeline), cancellationToken);
        _databaseDoor = DatabaseDoor.Open(_databases, listeners.Extra);
        _dns = DnsServer.Start(_responder, listeners.DnsUdp, listeners.DnsTcp);
    }

    /// <summary>Stops at once: exchanges under way are cut and get a second to record their outcomes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_dns is not null)
            await _dns.DisposeAsync();
        if (_databaseDoor is not null)
            await _databaseDoor.DisposeAsync();
        await _kestrel.StopAsync();
        foreach (var part in _parts)
            part.Dispose();
    }
}
