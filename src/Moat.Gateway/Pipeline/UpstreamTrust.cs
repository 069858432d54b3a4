using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Moat.Spec;

namespace Moat.Gateway.Pipeline;

/// <summary>An upstream did not prove its name. The message says how, for the agent and the person.</summary>
internal sealed class UpstreamCertificateException(string reason) : Exception(reason);

/// <summary>Whom the gateway believes: the system's roots and <c>network.ca</c>.</summary>
internal static class UpstreamTrust
{
    /// <exception cref="MoatException">A <c>network.ca</c> text holds no certificate.</exception>
    public static X509ChainPolicy From(NetworkSpec network)
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            // A certificate's issuer URL is the upstream's text; following it would dial around the address guard.
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(new("1.3.6.1.5.5.7.3.1"));
        if (network.CaPem.IsEmpty)
            return policy;

        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        using (var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine))
        {
            system.Open(OpenFlags.ReadOnly);
            policy.CustomTrustStore.AddRange(system.Certificates);
        }
        foreach (var pem in network.CaPem)
        {
            var before = policy.CustomTrustStore.Count;
            policy.CustomTrustStore.ImportFromPem(pem);
            if (policy.CustomTrustStore.Count == before)
                throw new MoatException("network.ca holds a text without a certificate", "give a PEM file with BEGIN CERTIFICATE lines");
        }
        return policy;
    }

    /// <summary>Says no with the reason; the platform's own refusal has none that a person understands.</summary>
    /// <exception cref="UpstreamCertificateException">The certificate does not prove the name.</exception>
    public static bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.None)
            throw new UpstreamCertificateException(Explain(chain, errors));
        return errors == SslPolicyErrors.None;
    }

    private static string Explain(X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            return "it sent no certificate";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return "its certificate is for another name";
        var status = X509ChainStatusFlags.NoError;
        foreach (var element in chain?.ChainStatus ?? [])
            status |= element.Status;
        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid))
            return "its certificate has expired or is not valid yet";
        return (status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0
            ? "its certificate comes from an authority that is not trusted (network.ca adds one)"
            : $"its certificate is not valid ({status})";
    }
}
