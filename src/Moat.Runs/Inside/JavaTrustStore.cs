using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using Moat.Gateway;
using Moat.Sandboxes;

namespace Moat.Runs;

/// <summary>
/// Java reads neither PEM bundles nor the variables that name them: it gets a trust store in its own format (PKCS #12,
/// RFC 7292) that holds the run's authority alone, and is told of it on every start.
/// </summary>
internal static class JavaTrustStore
{
    /// <summary>What every Java virtual machine takes options from.</summary>
    public const string Variable = "JAVA_TOOL_OPTIONS";

    public const string Options = "-Djavax.net.ssl.trustStore=" + Path + " -Djavax.net.ssl.trustStoreType=PKCS12";

    private const string Path = "/etc/ssl/moat-truststore.p12";

    // Java takes a certificate without a key for trusted only where this attribute says for what (any purpose here).
    private static readonly Oid s_trustedKeyUsage = new("2.16.840.1.113894.746875.1.1");
    private static readonly Oid s_friendlyName = new("1.2.840.113549.1.9.20");
    private const string AnyPurpose = "2.5.29.37.0";

    /// <summary>Whether there is a Java on this host, whose programs the sandbox sees.</summary>
    public static bool IsWanted => Directory.Exists("/usr/lib/jvm") || System.IO.File.Exists("/usr/bin/java");

    public static SandboxFile File(Task<RunAuthority> authority) => new(Path, StoreAsync(authority), 0b100_100_100);

    private static async Task<byte[]> StoreAsync(Task<RunAuthority> authority)
    {
        using var certificate = X509Certificate2.CreateFromPem((await authority.ConfigureAwait(false)).CertificatePem);
        var bags = new Pkcs12SafeContents();
        var bag = bags.AddCertificate(certificate);
        bag.Attributes.Add(new AsnEncodedData(s_trustedKeyUsage, Encode(writer => writer.WriteObjectIdentifier(AnyPurpose))));
        bag.Attributes.Add(new AsnEncodedData(s_friendlyName, Encode(writer => writer.WriteCharacterString(UniversalTagNumber.BMPString, "moat"))));
        var store = new Pkcs12Builder();
        store.AddSafeContentsUnencrypted(bags);
        // Nothing in it is a secret, and without a password Java asks for none.
        store.SealWithoutIntegrity();
        return store.Encode();
    }

    private static byte[] Encode(Action<AsnWriter> write)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        write(writer);
        return writer.Encode();
    }
}
