using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Cli.Demo;

/// <summary>A certificate authority of the demo's own, so that its API is verified as a real one is.</summary>
internal static class DemoAuthority
{
    private static readonly TimeSpan s_validity = TimeSpan.FromHours(1);

    /// <summary>The authority as PEM, and a server certificate that it issued for the host.</summary>
    public static (string Pem, X509Certificate2 Server) Issue(string host)
    {
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = new CertificateRequest("CN=Moat demo authority", key, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        root.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var authority = root.CreateSelfSigned(now - s_validity, now + s_validity);

        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = new CertificateRequest("CN=" + host, leafKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        leaf.CertificateExtensions.Add(names.Build());
        leaf.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var issued = leaf.Create(authority, now - s_validity, now + s_validity, RandomNumberGenerator.GetBytes(12));
        return (authority.ExportCertificatePem() + "\n", issued.CopyWithPrivateKey(leafKey));
    }
}
