using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Moat.Credentials;

namespace Moat.Gateway.Databases;

/// <summary>
/// The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677). The password never goes over the wire,
/// and a server that does not know it cannot give the signature that ends the exchange.
/// </summary>
internal sealed class ScramClient : IDisposable
{
    /// <summary>RFC 7677 §4 wants no fewer; a server that asks for fewer wants the password to be guessed.</summary>
    internal const int MinIterations = 4096;

    private const int MaxIterations = 1_000_000;
    private const int MaxSalt = 1024;

    private readonly string _header;
    private readonly byte[] _binding;
    private readonly string _nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));
    private readonly byte[] _signature = new byte[32];
    private bool _proved;

    /// <param name="header">The GS2 header: <c>p=tls-server-end-point,,</c> with a binding, <c>y,,</c> where only the server has none, <c>n,,</c>.</param>
    /// <param name="binding">The channel's binding data (RFC 5929 §4); empty: none.</param>
    public ScramClient(string header, byte[] binding) => (_header, _binding) = (header, binding);

    /// <summary>The user's name is the server's business: PostgreSQL takes the startup message's.</summary>
    private string Bare => $"n=,r={_nonce}";

    public byte[] First() => Encoding.ASCII.GetBytes(_header + Bare);

    /// <param name="serverFirst">The server's challenge.</param>
    /// <param name="password">Printable ASCII, which SASLprep (RFC 4013) leaves as it is.</param>
    /// <exception cref="SessionException">The challenge is malformed, or meant to weaken the proof.</exception>
    public byte[] Final(ReadOnlySpan<byte> serverFirst, Secret password)
    {
        var challenge = Text(serverFirst);
        if (challenge.Split(',') is not [var r, var s, var i] || !r.StartsWith("r=", StringComparison.Ordinal) || !s.StartsWith("s=", StringComparison.Ordinal) || !i.StartsWith("i=", StringComparison.Ordinal))
            throw SessionException.Malformed("the server's SCRAM challenge");
        if (!r.AsSpan(2).StartsWith(_nonce, StringComparison.Ordinal) || r.Length - 2 <= _nonce.Length) throw new SessionException("the server's SCRAM nonce does not begin with ours");
        var salt = new byte[MaxSalt];
        if (!Convert.TryFromBase64String(s[2..], salt, out var saltLength) || saltLength == 0) throw SessionException.Malformed("the server's SCRAM salt");
        if (!int.TryParse(i.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) || iterations is < MinIterations or > MaxIterations)
            throw new SessionException($"the server asks for SCRAM with iterations that are no number from {MinIterations} to {MaxIterations}");

        var withoutProof = $"c={Convert.ToBase64String([.. Encoding.ASCII.GetBytes(_header), .. _binding])},{r}";
        var message = Encoding.ASCII.GetBytes($"{Bare},{challenge},{withoutProof}");
        Span<byte> salted = stackalloc byte[32];
        Span<byte> clientKey = stackalloc byte[32];
        Span<byte> storedKey = stackalloc byte[32];
        Span<byte> proof = stackalloc byte[32];
        try
        {
            Rfc2898DeriveBytes.Pbkdf2(password.Reveal(), salt.AsSpan(0, saltLength), salted, iterations, HashAlgorithmName.SHA256);
            HMACSHA256.HashData(salted, "Client Key"u8, clientKey);
            SHA256.HashData(clientKey, storedKey);
            HMACSHA256.HashData(storedKey, message, proof);
            for (var at = 0; at < proof.Length; at++) proof[at] ^= clientKey[at];
            HMACSHA256.HashData(salted, "Server Key"u8, storedKey);
            HMACSHA256.HashData(storedKey, message, _signature);
            _proved = true;
            return Encoding.ASCII.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(salted);
            CryptographicOperations.ZeroMemory(clientKey);
            CryptographicOperations.ZeroMemory(storedKey);
        }
    }

    /// <exception cref="SessionException">The server does not know the password.</exception>
    public void Verify(ReadOnlySpan<byte> serverFinal)
    {
        var text = Text(serverFinal);
        var signature = new byte[32];
        if (!_proved || !text.StartsWith("v=", StringComparison.Ordinal) || !Convert.TryFromBase64String(text[2..], signature, out var length) || length != signature.Length
            || !CryptographicOperations.FixedTimeEquals(signature, _signature))
            throw new SessionException("the server did not prove that it knows the password: it is not the one that the grant is for");
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_signature);

    private static string Text(ReadOnlySpan<byte> message)
        => message.ContainsAnyExceptInRange((byte)' ', (byte)'~') ? throw SessionException.Malformed("the server's SCRAM message") : Encoding.ASCII.GetString(message);
}
