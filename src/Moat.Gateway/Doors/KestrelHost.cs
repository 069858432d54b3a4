using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Doors;

/// <summary>The doors of one gateway.</summary>
internal sealed record DoorSet(ProxyDoor Proxy, TransparentDoor Transparent, TlsDoor Tls);

/// <summary>Kestrel on sockets that somebody else made, each with its door in front, and with limits that a hostile client meets.</summary>
internal sealed class KestrelHost : IDisposable
{
    /// <summary>Connections at once; each costs two descriptors of the supervisor.</summary>
    private const long MaxConnections = 4096;

    private readonly DoorSet _doors;
    private readonly Dictionary<ulong, SafeSocketHandle> _sockets;
    private readonly ServiceProvider _services;
    private readonly IServer _server;

    private KestrelHost(ServiceProvider services, DoorSet doors, Dictionary<ulong, SafeSocketHandle> sockets)
    {
        _services = services;
        _doors = doors;
        _sockets = sockets;
        _server = services.GetRequiredService<IServer>();
    }

    public IServiceProvider Services => _services;

    /// <summary>Makes Kestrel ready, with the services that are there already.</summary>
    public static KestrelHost Create(IServiceCollection services, DoorSet doors)
    {
        // RFC 9112 §2.2 lets a server take a bare LF as a line's end; servers differ in it, and that is how requests are smuggled.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

        var sockets = new Dictionary<ulong, SafeSocketHandle>();
        new KestrelServices(services).UseKestrelCore();
        services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlocks>();
        services.Configure<SocketTransportOptions>(options =>
        {
            options.Backlog = 1024;
            // Saves a thread hop for each read and write. What runs there is ours and never waits for anything but a write(2).
            options.UnsafePreferInlineScheduling = true;
            // Waiting for data first would cost a call for each read; an idle connection costs a block this way.
            options.WaitForDataBeforeAllocatingBuffer = false;
            // The handle keeps its one owner, which Kestrel disposes; by number it would get a second.
            options.CreateBoundListenSocket = endpoint =>
            {
                var listener = new Socket(sockets[((FileHandleEndPoint)endpoint).FileHandle]);
                Pacing.Disable(listener);
                return listener;
            };
        });
        services.Configure<KestrelServerOptions>(options =>
        {
            options.AddServerHeader = false;
            options.RequestHeaderEncodingSelector = name => name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) ? DigitsEncoding.Instance : Encoding.Latin1;
            options.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
            Limit(options.Limits);
        });
        return new KestrelHost(services.BuildServiceProvider(), doors, sockets);
    }

    public Task StartAsync(GatewayListeners listeners, GatewayApplication application, CancellationToken cancellationToken)
    {
        var options = _services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;
        foreach (var socket in listeners.Proxy)
            Listen(options, socket, listen => ServeProxy(listen, _doors));
        foreach (var socket in listeners.Http)
            Listen(options, socket, listen => listen.Use(next => connection => _doors.Transparent.OnHttpAsync(connection, next)));
        foreach (var socket in listeners.Https)
            Listen(options, socket, listen => ServeHttps(listen, _doors));
        return _server.StartAsync(application, cancellationToken);
    }

    /// <summary>An expired grace period: Kestrel aborts the connections instead of waiting for them.</summary>
    public Task StopAsync() => _server.StopAsync(new CancellationToken(canceled: true));

    public void Dispose() => _services.Dispose();

    private void Listen(KestrelServerOptions options, SafeSocketHandle socket, Action<ListenOptions> configure)
    {
        var handle = (ulong)socket.DangerousGetHandle();
        _sockets.Add(handle, socket);
        options.ListenHandle(handle, configure);
    }

    private static void ServeHttps(ListenOptions listen, DoorSet doors)
    {
        listen.Use(next => connection => doors.Transparent.OnHttpsAsync(connection, next));
        listen.UseHttps(doors.Tls.ToOptions());
    }

    private static void ServeProxy(ListenOptions listen, DoorSet doors)
    {
        // The delegates are built from the last to the first: `plain`, behind TLS, is there when the door opens.
        ConnectionDelegate? plain = null;
        listen.Use(tls => connection => doors.Proxy.OnConnectionAsync(connection, tls, plain!));
        listen.UseHttps(doors.Tls.ToOptions());
        listen.Use(next => plain = next);
    }

    private static void Limit(KestrelServerLimits limits)
    {
        limits.MaxConcurrentConnections = MaxConnections;
        limits.MaxConcurrentUpgradedConnections = MaxConnections;
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        limits.MaxRequestLineSize = 32 * 1024;
        limits.MaxRequestHeadersTotalSize = 128 * 1024;
        limits.MaxRequestHeaderCount = 200;
        // Bodies stream: neither size nor pace costs memory, and a debugger may stop an agent in the middle of one.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.MaxStreamsPerConnection = 256;
        limits.Http2.MaxRequestHeaderFieldSize = 64 * 1024;
        limits.Http2.InitialConnectionWindowSize = 2 * 1024 * 1024;
        limits.Http2.InitialStreamWindowSize = 1024 * 1024;
    }
}
