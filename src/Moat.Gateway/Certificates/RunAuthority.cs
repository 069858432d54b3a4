using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Gateway;

/// <summary>
/// The certificate authority of one run. Its key lives in this process's memory only and dies with the run; the
/// sandbox gets <see cref="CertificatePem"/> as a trust anchor.
/// </summary>
public sealed class RunAuthority : IDisposable
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(30);

    // A sandbox's clock is the host's, but a container image may hold a libfaketime; a day of slack costs nothing.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromDays(1);

    private readonly ECDsa _key;
    private readonly X509Certificate2 _certificate;

    private RunAuthority(ECDsa key, X509Certificate2 certificate)
    {
        _key = key;
        _certificate = certificate;
        SignatureGenerator = X509SignatureGenerator.CreateForECDsa(key);
        AuthorityKeyIdentifier = X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false);
        CertificatePem = certificate.ExportCertificatePem() + "\n";
    }

    /// <summary>The authority's certificate, PEM with a final newline.</summary>
    public string CertificatePem { get; }

    internal X509SignatureGenerator SignatureGenerator { get; }

    internal X509Extension AuthorityKeyIdentifier { get; }

    internal X500DistinguishedName Name => _certificate.SubjectName;

    internal DateTimeOffset NotBefore => _certificate.NotBefore;

    internal DateTimeOffset NotAfter => _certificate.NotAfter;

    /// <summary>Makes a fresh ECDSA P-256 authority, valid for 30 days.</summary>
    /// <param name="runId">Named in the subject so that a person who meets the certificate knows its run.</param>
    public static RunAuthority Create(string runId)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        name.AddOrganizationName("Moat");
        name.AddCommonName($"Moat {runId}");
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        return new RunAuthority(key, request.CreateSelfSigned(now - ClockSlack, now + Validity));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
