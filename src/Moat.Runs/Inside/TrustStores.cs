using System.Collections.Immutable;
using System.Text;
using Moat.Gateway;
using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>
/// Where programs look for certificates. Every TLS connection of the sandbox ends at the gateway, so the run's own
/// authority stands in every store, alone: a certificate of anybody else's is never seen inside.
/// </summary>
internal static class TrustStores
{
    /// <summary>The bundle that the variables name: Debian's place, which OpenSSL and GnuTLS read there by themselves.</summary>
    public const string Bundle = "/etc/ssl/certs/ca-certificates.crt";

    // Red Hat's, SUSE's, Alpine's and OpenSSL's own places.
    private static readonly string[] s_others =
    [
        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem", "/usr/lib/ssl/cert.pem",
    ];

    private static readonly string[] s_variables =
    [
        "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
        "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "PIP_CERT",
    ];

    /// <summary>The bundle, over every bundle that the host has (its files are what the sandbox sees).</summary>
    public static ImmutableArray<SandboxFile> Files(Task<RunAuthority> authority)
    {
        var content = BundleAsync(authority);
        var bundles = s_others.Where(IsPlainFile).Prepend(Bundle).Select(path => new SandboxFile(path, content, 0b100_100_100));
        return JavaTrustStore.IsWanted ? [.. bundles, JavaTrustStore.File(authority)] : [.. bundles];
    }

    public static IEnumerable<KeyValuePair<string, string>> Variables()
    {
        var bundles = s_variables.Select(name => KeyValuePair.Create(name, Bundle));
        return JavaTrustStore.IsWanted ? bundles.Append(KeyValuePair.Create(JavaTrustStore.Variable, JavaTrustStore.Options)) : bundles;
    }

    private static async Task<byte[]> BundleAsync(Task<RunAuthority> authority) =>
        Encoding.ASCII.GetBytes((await authority.ConfigureAwait(false)).CertificatePem);

    // A link would lead the overlay elsewhere; what it points to is in the list itself.
    private static bool IsPlainFile(string path) => new FileInfo(path) is { Exists: true, LinkTarget: null };
}
