using System.Net.Security;
using System.Text;
using Moat.Gateway.Upstream;
using Moat.Spec;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// The pooled client for upstream connections. It dials through <see cref="UpstreamDialer"/> alone, follows nothing,
/// remembers nothing, unpacks nothing, and speaks TLS only to a host that proves its name.
/// </summary>
internal static class UpstreamClient
{
    public static HttpMessageInvoker Create(UpstreamDialer dialer, NetworkSpec network)
    {
        var trust = UpstreamTrust.From(network);
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = dialer.ConnectAsync,
            ConnectTimeout = TimeSpan.FromSeconds(30),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            Expect100ContinueTimeout = TimeSpan.FromSeconds(1),
            // A new address or a renewed certificate is looked at again after this time.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            InitialHttp2StreamWindowSize = 1024 * 1024,
            MaxResponseHeadersLength = 128,
            MaxResponseDrainSize = 64 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            // Header bytes pass as they are.
            RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = trust,
                RemoteCertificateValidationCallback = UpstreamTrust.Validate,
            },
        };
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }
}
