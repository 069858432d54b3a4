using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Moat.Credentials;
using Moat.Spec;

namespace Moat.Gateway.Upstream;

/// <summary>
/// Verifies upstream certificates: by the system's trust, and when only the root is missing there, by the run's
/// <c>network.ca</c>; a host with authorities of its own (a grant's) by those alone. A failure says what is wrong; nothing can be waved through.
/// </summary>
internal sealed class UpstreamTls : IDisposable
{
    private const string ServerAuth = "1.3.6.1.5.5.7.3.1";

    private readonly X509Certificate2Collection _extraRoots = [];
    private readonly Dictionary<string, X509Certificate2Collection> _ownRoots = new(StringComparer.Ordinal);

    /// <exception cref="MoatException">A <c>network.ca</c> text, or a grant's, holds no certificate.</exception>
    internal UpstreamTls(NetworkSpec network, IEnumerable<ServerTrust>? trust = null)
    {
        foreach (var (host, pem) in trust ?? [])
        {
            if (!_ownRoots.TryGetValue(host, out var roots))
                _ownRoots.Add(host, roots = []);
            var before = roots.Count;
            try
            {
                roots.ImportFromPem(pem);
            }
            catch (CryptographicException)
            {
                // Told below: nothing was added.
            }
            if (roots.Count == before) throw new MoatException($"the authority of {host} that its grant holds cannot be read", "grant it again");
        }
        foreach (var pem in network.CaPem)
        {
            var before = _extraRoots.Count;
            try
            {
                _extraRoots.ImportFromPem(pem);
            }
            catch (CryptographicException e)
            {
                throw new MoatException($"network.ca holds a certificate that cannot be read: {e.Message}", "give a file with PEM certificates");
            }
            if (_extraRoots.Count == before) throw new MoatException("network.ca holds no certificate", "give a file with PEM certificates (BEGIN CERTIFICATE)");
        }
    }

    /// <summary>Options for one connection to <paramref name="host"/>, a name or an IP literal without brackets; without <paramref name="protocols"/> there is no ALPN.</summary>
    internal SslClientAuthenticationOptions CreateOptions(string host, List<SslApplicationProtocol>? protocols = null) => new()
    {
        TargetHost = host,
        ApplicationProtocols = protocols,
        CertificateChainPolicy = CreatePolicy(),
        RemoteCertificateValidationCallback = Validate,
    };

    private static X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            // A peer's certificate may name any address for its issuer: fetching it would be a request of the peer's choice.
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(new Oid(ServerAuth));
        return policy;
    }

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        => sender is SslStream { TargetHostName: var host } && _ownRoots.TryGetValue(host, out var own) ? AcceptOwnRoot(host, own, certificate, chain, errors)
            : errors == SslPolicyErrors.None || AcceptExtraRoot(sender, certificate, chain, errors);

    /// <summary>By the host's own authorities, also where the machine's would do: they are a claim that it made.</summary>
    private static bool AcceptOwnRoot(string host, X509Certificate2Collection roots, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var fault = certificate is X509Certificate2 leaf && chain is not null ? CheckRoots(leaf, chain, roots) : CertificateFault.Other;
        if (fault == CertificateFault.None && (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None) return true;
        throw UpstreamException.From(errors, host, fault);
    }

    private bool AcceptExtraRoot(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var fault = chain is null ? CertificateFault.None : Worst(chain);
        if (fault is CertificateFault.Root && _extraRoots.Count > 0 && certificate is X509Certificate2 leaf)
        {
            fault = CheckRoots(leaf, chain!, _extraRoots);
            if (fault == CertificateFault.None && errors == SslPolicyErrors.RemoteCertificateChainErrors) return true;
        }
        var host = sender is SslStream stream ? stream.TargetHostName : "the upstream";
        throw UpstreamException.From(errors, host, fault);
    }

    private static CertificateFault CheckRoots(X509Certificate2 leaf, X509Chain presented, X509Certificate2Collection roots)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy = CreatePolicy();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        var good = chain.Build(leaf);
        var fault = good ? CertificateFault.None : Worst(chain);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return good || fault != CertificateFault.None ? fault : CertificateFault.Other;
    }

    private static CertificateFault Worst(X509Chain chain)
    {
        var worst = CertificateFault.None;
        foreach (var status in chain.ChainStatus)
        {
            var fault = status.Status switch
            {
                X509ChainStatusFlags.NoError => CertificateFault.None,
                X509ChainStatusFlags.NotTimeValid => CertificateFault.Time,
                X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain => CertificateFault.Root,
                _ => CertificateFault.Other,
            };
            if (fault > worst) worst = fault;
        }
        return worst;
    }

    public void Dispose()
    {
        foreach (var root in _ownRoots.Values.SelectMany(roots => roots).Concat(_extraRoots)) root.Dispose();
    }
}
