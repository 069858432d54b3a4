using System.Net.Sockets;
using System.Security.Authentication;
using Moat.Gateway.Redaction;
using Moat.Gateway.Upstream;
using Yarp.ReverseProxy.Forwarder;

namespace Moat.Gateway.Pipeline;

/// <summary>Puts what went wrong on the way upstream into words for the agent. Never quotes what was sent.</summary>
internal static class UpstreamFailure
{
    public static Refusal Explain(ForwarderError error, Exception? exception, string host, int port)
    {
        for (var e = exception; e is not null; e = e is AggregateException { InnerExceptions: [var first, ..] } ? first : e.InnerException)
        {
            switch (e)
            {
                case UpstreamDeniedException denied:
                    return new Refusal(403, DenialKind.Address, "address guard", denied.Message, $"name the address {host}:{port} itself in a network rule");
                case UpstreamCertificateException certificate:
                    return Upstream($"{host} is not who it says: {certificate.Message}; nothing was sent to it");
                case RedactionRefusedException refused:
                    return Upstream(refused.Message);
                case AuthenticationException:
                    return Upstream($"{host} broke off the TLS handshake");
                case SocketException socket:
                    return Upstream($"{host}:{port} is unreachable: {Describe(socket.SocketErrorCode)}");
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }:
                    return Upstream($"the name {host} does not resolve");
                case HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.ResponseEnded }:
                    return Upstream($"{host} broke the HTTP protocol or ended early");
            }
        }
        return error switch
        {
            ForwarderError.RequestTimedOut => Upstream($"{host} did not answer in time", 504),
            ForwarderError.RequestBodyClient => new Refusal(400, DenialKind.Protocol, "a complete request body", "the request's body ended early", "send the whole body"),
            ForwarderError.RequestCreation => new Refusal(400, DenialKind.Protocol, "HTTP, unambiguous", "the request cannot be forwarded as it is", "check its header lines"),
            _ => Upstream($"the exchange with {host} failed ({error})"),
        };
    }

    private static Refusal Upstream(string reason, int status = 502) =>
        new(status, DenialKind.Upstream, "none", reason, "nothing is blocked: look at the upstream, or at network.resolve and network.ca");

    private static string Describe(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.TimedOut => "no answer",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "its name does not resolve",
        SocketError.ConnectionReset => "connection reset",
        _ => error.ToString(),
    };
}
