using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Moat.Gateway.Upstream;

/// <summary>Why an upstream could not be reached.</summary>
internal enum UpstreamFailure
{
    NameNotFound,

    /// <summary>The name has addresses, but none that this run may reach.</summary>
    AddressDenied,
    Refused,
    Unreachable,
    TimedOut,

    /// <summary>Outside the certificate's validity, before or after.</summary>
    CertificateExpired,
    CertificateUntrusted,
    CertificateNameMismatch,
    CertificateInvalid,

    /// <summary>The peer speaks no TLS, or none that both sides accept.</summary>
    TlsFailed,

    /// <summary>The connection broke, or the peer speaks no HTTP.</summary>
    Broken,
}

/// <summary>A failure to reach an upstream, in words for the agent and the person. The message holds no secret.</summary>
internal sealed class UpstreamException(UpstreamFailure kind, string message, Exception? inner = null) : Exception(message, inner)
{
    internal UpstreamFailure Kind { get; } = kind;

    /// <summary>The precise reason inside what an HTTP client throws.</summary>
    internal static UpstreamException From(Exception failure, string host, int port)
    {
        for (var at = failure; at is not null; at = at.InnerException)
        {
            switch (at)
            {
                case UpstreamException known:
                    return known;
                case SocketException socket:
                    return From(socket, host, port);
                case AuthenticationException:
                    return new(UpstreamFailure.TlsFailed, $"no TLS connection with {host}:{port}", failure);
                case TimeoutException:
                    return new(UpstreamFailure.TimedOut, $"{host}:{port} did not answer in time", failure);
            }
        }
        return new(UpstreamFailure.Broken, $"the connection to {host}:{port} broke", failure);
    }

    internal static UpstreamException From(SocketException failure, string host, int port) => failure.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery
            => new(UpstreamFailure.NameNotFound, $"{host} has no address", failure),
        SocketError.ConnectionRefused => new(UpstreamFailure.Refused, $"{host}:{port} refused the connection", failure),
        SocketError.TimedOut => new(UpstreamFailure.TimedOut, $"{host}:{port} did not answer in time", failure),
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown or SocketError.AddressNotAvailable
            => new(UpstreamFailure.Unreachable, $"there is no route to {host}:{port}", failure),
        _ => new(UpstreamFailure.Broken, $"the connection to {host}:{port} broke", failure),
    };

    internal static UpstreamException From(SslPolicyErrors errors, string host, CertificateFault fault)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return new(UpstreamFailure.CertificateInvalid, $"{host} showed no certificate");
        if (fault == CertificateFault.Time) return new(UpstreamFailure.CertificateExpired, $"the certificate of {host} is expired or not valid yet");
        if (fault == CertificateFault.Root)
            return new(UpstreamFailure.CertificateUntrusted, $"the certificate of {host} comes from no authority that this machine trusts; network.ca adds one");
        if (fault == CertificateFault.Other) return new(UpstreamFailure.CertificateInvalid, $"the certificate chain of {host} is not valid");
        return new(UpstreamFailure.CertificateNameMismatch, $"the certificate that {host} showed is for another name");
    }
}

/// <summary>The worst fault of a certificate chain.</summary>
internal enum CertificateFault
{
    None,
    Time,
    Root,
    Other,
}
