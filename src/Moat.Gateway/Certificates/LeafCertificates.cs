using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Moat.Policy;

namespace Moat.Gateway.Certificates;

/// <summary>
/// The certificates that the gateway shows to the agent: one per canonical host, all with one key, made on first use.
/// The last <see cref="Capacity"/> are kept, so that an agent which asks for endless names holds no endless memory.
/// </summary>
internal sealed class LeafCertificates(RunAuthority authority) : IDisposable
{
    internal const int Capacity = 1024;

    private static readonly OidCollection ServerAuthentication = [new Oid("1.3.6.1.5.5.7.3.1")];

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Leaf>> _leaves = new(StringComparer.Ordinal);
    private readonly LinkedList<Leaf> _recent = new();

    /// <summary>The context to authenticate as <paramref name="host"/> with; TLS session caches hang on it.</summary>
    public SslStreamCertificateContext For(in CanonicalHost host)
    {
        lock (_lock)
        {
            if (_leaves.TryGetValue(host.Value, out var node))
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
                return node.Value.Context;
            }
            // Signing takes some 50 µs; under the lock, so that a burst of connections to one host signs once.
            node = _recent.AddFirst(new Leaf(host.Value, SslStreamCertificateContext.Create(Issue(host), additionalCertificates: null, offline: true)));
            _leaves.Add(host.Value, node);
            if (_leaves.Count > Capacity)
            {
                // Not disposed: a handshake may be using it. The finalizer takes it.
                _leaves.Remove(_recent.Last!.Value.Host);
                _recent.RemoveLast();
            }
            return node.Value.Context;
        }
    }

    public void Dispose() => _key.Dispose();

    private X509Certificate2 Issue(in CanonicalHost host)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (host.IsIp)
            names.AddIpAddress(host.Address!);
        else
            names.AddDnsName(host.Value);

        // RFC 5280 §4.1.2.6 limits a common name to 64 characters; the alternative name is what clients look at.
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(host.Value.Length <= 64 ? host.Value : "moat");

        var request = new CertificateRequest(subject.Build(), _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(ServerAuthentication, critical: false));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(authority.AuthorityKeyIdentifier);

        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40); // positive and without a leading zero (RFC 5280 §4.1.2.2)
        using var certificate = request.Create(authority.Name, authority.SignatureGenerator, authority.NotBefore, authority.NotAfter, serial);
        return certificate.CopyWithPrivateKey(_key);
    }

    private sealed record Leaf(string Host, SslStreamCertificateContext Context);
}
