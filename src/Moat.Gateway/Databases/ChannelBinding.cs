using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Gateway.Databases;

/// <summary>
/// <c>tls-server-end-point</c> (RFC 5929 §4): the hash of the server's certificate, by the hash of its signature; MD5 and
/// SHA-1 are replaced by SHA-256.
/// </summary>
internal static class ChannelBinding
{
    /// <summary>Null where the certificate's signature has no one hash (Ed25519), so that there is no binding.</summary>
    public static byte[]? Of(X509Certificate certificate)
    {
        var raw = certificate.GetRawCertData();
        using var parsed = X509CertificateLoader.LoadCertificate(raw);
        return parsed.SignatureAlgorithm.Value switch
        {
            "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.113549.1.1.11" or "1.2.840.10045.4.1" or "1.2.840.10045.4.3.2" => SHA256.HashData(raw),
            "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" => SHA384.HashData(raw),
            "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" => SHA512.HashData(raw),
            _ => null,
        };
    }
}
