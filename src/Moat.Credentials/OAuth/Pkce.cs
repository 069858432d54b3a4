using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Credentials;

/// <summary>Proof Key for Code Exchange (RFC 7636), S256 alone: a code that somebody else caught is worth nothing to them.</summary>
internal static class Pkce
{
    /// <summary>256 random bits: a verifier (§4.1), or a state.</summary>
    internal static string NewText() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>The challenge of a verifier (§4.2).</summary>
    internal static string Challenge(string verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
}
