using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moat.Gateway.Captures;
using Moat.Gateway.Certificates;
using Moat.Gateway.Databases;
using Moat.Gateway.Dns;
using Moat.Gateway.Doors;
using Moat.Gateway.Mcp;
using Moat.Gateway.Pipeline;
using Moat.Gateway.Ssh;
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
///   any :22 ─────► SshRelay ───────────────────────────────────────────────► a granted host
///   ssh-agent ───► SshAgentServer (signs for granted hosts)
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
    private readonly SshRelay _sshRelay;
    private readonly SshAgentServer _sshAgent;
    private readonly PolicyGate _gate;
    private readonly LiveTraffic _traffic;
    private readonly RunRedactor _redactor;
    private readonly DatabaseServices _databases;
    private readonly IDisposable[] _parts;
    private readonly List<SocketServer> _sockets = [];
    private DnsServer? _dns;
    private DatabaseDoor? _databaseDoor;

    private GatewayServer(KestrelHost kestrel, RequestPipeline pipeline, DnsResponder responder, SshRelay sshRelay, SshAgentServer sshAgent, DatabaseServices databases, PolicyGate gate, LiveTraffic traffic, RunRedactor redactor, IDisposable[] parts)
    {
        (_sshRelay, _sshAgent, _databases) = (sshRelay, sshAgent, databases);
        _kestrel = kestrel;
        _pipeline = pipeline;
        _responder = responder;
        _gate = gate;
        _traffic = traffic;
        _redactor = redactor;
        _parts = parts;
    }

    /// <summary>A gateway that serves nothing yet. It can be made while its sockets are.</summary>
    /// <exception cref="MoatException">The network spec holds something unusable (<c>network.ca</c>).</exception>
    public static GatewayServer Create(GatewayOptions options)
    {
        var names = new SyntheticNames();
        var budget = new DnsBudget(TimeProvider.System);
        var book = new CaptureBook(options.Grants);
        var redactor = new RunRedactor(options.Grants, book);
        var recorder = new Recorder(options.Audit, redactor, options.OnDenied);
        var gate = new PolicyGate(options.RequestPolicy, options.ShadowsRequestPolicy);
        var pins = new McpPins(options.McpPins is { } folder ? new McpPinStore(folder) : null, recorder, options.OnNotice);
        var mcp = new McpGate(options.Grants, gate, pins, recorder);
        var traffic = new LiveTraffic(gate, mcp, recorder);
        var certificates = new LeafCertificates(options.Authority);
        var tls = new UpstreamTls(options.Network, options.Grants.SelectMany(grant => grant.Trust));
        var dialer = new UpstreamDialer(options.Network, PolicyAnswers.AddressCheck(options.Policy));
        var upstream = new HttpMessageInvoker(UpstreamHandler.Create(dialer, tls), disposeHandler: true);
        var collection = new ServiceCollection()
            .AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance)
            .AddSingleton(typeof(ILogger<>), typeof(NullLogger<>))
            .AddSingleton<DiagnosticSource>(new MalformedRequests(recorder))
            .AddMetrics()
            .AddHttpForwarder();
        var kestrel = KestrelHost.Create(collection, new DoorSet(
            new ProxyDoor(options.Policy, gate, traffic, recorder), new TransparentDoor(names, traffic, recorder), new TlsDoor(certificates, recorder)));
        var pipeline = new RequestPipeline(
            options.Policy, gate, mcp, traffic, budget, options.Grants, recorder, redactor, book, kestrel.Services.GetRequiredService<IHttpForwarder>(), upstream);
        var responder = new DnsResponder(PolicyAnswers.DnsRules(options.Policy, budget, recorder), names, TimeProvider.System);
        var databases = new DatabaseServices(options.Policy, gate, traffic, options.Grants, options.Network, names, certificates, dialer, recorder, redactor);
        var ssh = new SshGrants(options.Grants, options.SshAgentSocket);
        var sshRelay = new SshRelay(names, ssh, options.Policy, gate, traffic, dialer, recorder);
        return new GatewayServer(kestrel, pipeline, responder, sshRelay, new SshAgentServer(ssh, gate, recorder), databases, gate, traffic, redactor, [kestrel, upstream, tls, certificates, redactor, book]);
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
        _sockets.Add(SocketServer.Start(listeners.Ssh, SshRelay.MaxConnections, _sshRelay.ServeAsync));
        _sockets.Add(SocketServer.Start(listeners.SshAgent, SshAgentServer.MaxConnections, _sshAgent.ServeAsync));
        _databaseDoor = DatabaseDoor.Open(_databases, listeners.Extra);
        _dns = DnsServer.Start(_responder, listeners.DnsUdp, listeners.DnsTcp);
    }

    /// <summary>
    /// Puts another Cedar policy in the place of the one there is: from its return on, nothing goes out and nothing is under
    /// way that the new one denies. Not for two threads at a time.
    /// </summary>
    /// <returns>How many connections and exchanges were ended.</returns>
    /// <exception cref="InvalidOperationException">The gateway was made without a policy.</exception>
    public int ReplacePolicy(RequestPolicy policy)
    {
        if (!_gate.HasPolicy)
            throw new InvalidOperationException("there is no policy to replace");
        _gate.Replace(policy);
        return _traffic.Rejudge();
    }

    /// <summary>The text with each secret of the run's grants masked, in whichever spelling it stands there.</summary>
    public string Redact(string text) => _redactor.Current.Redact(text);

    /// <summary>Stops at once: exchanges under way are cut and get a second to record their outcomes.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var server in _sockets)
            await server.DisposeAsync();
        if (_dns is not null)
            await _dns.DisposeAsync();
        if (_databaseDoor is not null)
            await _databaseDoor.DisposeAsync();
        await _kestrel.StopAsync();
        foreach (var part in _parts)
            part.Dispose();
    }
}
