using System.Net;
using System.Net.Security;
using System.Text;

namespace Moat.Gateway.Upstream;

/// <summary>The pooled HTTP client of the gateway: every connection is dialled and verified here, nothing is added to a request.</summary>
internal static class UpstreamHandler
{
    // A pooled connection keeps its address; this bounds how long a changed name is served by the old one.
    private static readonly TimeSpan s_lifetime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(1);

    // Longer than the dialler's own patience, so that its precise reason wins; then comes the TLS handshake.
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(60);

    internal static SocketsHttpHandler Create(UpstreamDialer dialer, UpstreamTls tls) => new()
    {
        ConnectCallback = (context, cancel) => ConnectAsync(dialer, tls, context, cancel),
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        MaxConnectionsPerServer = int.MaxValue,
        EnableMultipleHttp2Connections = true,
        InitialHttp2StreamWindowSize = 1024 * 1024,
        PooledConnectionLifetime = s_lifetime,
        PooledConnectionIdleTimeout = s_idle,
        ConnectTimeout = s_connect,
        MaxResponseHeadersLength = 64, // KiB
        // HTTP/1.1 header bytes pass as they are.
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    };

    private static async ValueTask<Stream> ConnectAsync(UpstreamDialer dialer, UpstreamTls tls, SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var host = context.DnsEndPoint.Host.Trim('[', ']');
        var wire = await dialer.DialAsync(host, context.DnsEndPoint.Port, cancel).ConfigureAwait(false);
        var request = context.InitialRequestMessage;
        if (request.RequestUri!.Scheme != Uri.UriSchemeHttps) return wire;
        List<SslApplicationProtocol> protocols = request.Version.Major >= 2 ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http11];
        return await UpstreamStream.ConnectAsync(wire, tls.CreateOptions(host, protocols), cancel).ConfigureAwait(false);
    }
}
