using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moat.Configuration;

/// <summary>Trust anchors in PEM. What comes out holds the certificates and nothing else that the text had.</summary>
internal static class Certificates
{
    public static bool TryParse(string text, out string pem, out string problem)
    {
        (pem, problem) = ("", "");
        if (text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            problem = "the text holds a private key";
            return false;
        }
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(text);
            if (all.Count == 0) problem = "the text holds no certificate";
            else pem = string.Concat(all.Select(c => c.ExportCertificatePem() + "\n"));
        }
        catch (CryptographicException)
        {
            problem = "the text holds a damaged certificate";
        }
        finally
        {
            foreach (var certificate in all) certificate.Dispose();
        }
        return problem.Length == 0;
    }
}
