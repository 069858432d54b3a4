using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>
/// The gateway's login at a PostgreSQL server: SCRAM with a channel binding where both have one, MD5, and the password
/// itself only where TLS was verified. Ends with the server's AuthenticationOk.
/// </summary>
internal sealed class PostgresLogin(DatabaseLink link, int maxMessage)
{
    private const string Scram = "SCRAM-SHA-256", ScramPlus = "SCRAM-SHA-256-PLUS";

    private enum Method
    {
        Ok = 0,
        Cleartext = 3,
        Md5 = 5,
        Sasl = 10,
        SaslContinue = 11,
        SaslFinal = 12,
    }

    /// <returns>The server's own refusal, to be passed on; null: it let us in.</returns>
    /// <exception cref="SessionException">It asks for what it must not have, or does not prove itself.</exception>
    public async Task<byte[]?> RunAsync(CancellationToken ct)
    {
        var asked = false;
        while (true)
        {
            var message = await PostgresMessage.ReadAsync(link.Upstream, maxMessage, ct).ConfigureAwait(false);
            if (message[0] == (byte)'E') return message;
            switch (MethodOf(message))
            {
                case Method.Ok:
                    // Without TLS, whoever is on the way could say so.
                    if (!asked && !link.UpstreamIsVerified && !link.UpstreamIsLoopback) throw new SessionException("the server asked for no password, and nothing proves that it is the one that the grant is for");
                    return null;
                case Method.Cleartext when !asked && link.UpstreamIsVerified:
                    await SendAsync([.. link.Grant.Secret.Reveal(), 0], ct).ConfigureAwait(false);
                    break;
                case Method.Cleartext:
                    throw new SessionException("the server asks for the password itself over a connection without TLS");
                case Method.Md5 when !asked && message.Length == 13:
                    await SendAsync(Md5(message.AsSpan(9)), ct).ConfigureAwait(false);
                    break;
                case Method.Sasl when !asked:
                    if (await ScramAsync(Encoding.ASCII.GetString(PostgresMessage.Body(message)[4..]).Split('\0'), ct).ConfigureAwait(false) is { } refusal) return refusal;
                    break;
                default:
                    throw new SessionException("the server asks for a proof of a kind that the gateway does not give");
            }
            asked = true;
        }
    }

    private async Task<byte[]?> ScramAsync(string[] offered, CancellationToken ct)
    {
        var binding = link.UpstreamCertificate is { } certificate ? ChannelBinding.Of(certificate) : null;
        var isBound = binding is not null && offered.Contains(ScramPlus);
        if (!isBound && !offered.Contains(Scram)) throw new SessionException("the server asks for a proof of a kind that the gateway does not give");
        using var scram = new ScramClient(isBound ? "p=tls-server-end-point,," : binding is null ? "n,," : "y,,", isBound ? binding! : []);
        var first = scram.First();
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, first.Length);
        await SendAsync([.. Encoding.ASCII.GetBytes(isBound ? ScramPlus : Scram), 0, .. length, .. first], ct).ConfigureAwait(false);
        var challenge = await PostgresMessage.ReadAsync(link.Upstream, maxMessage, ct).ConfigureAwait(false);
        if (challenge[0] == (byte)'E') return challenge;
        if (MethodOf(challenge) != Method.SaslContinue) throw SessionException.Malformed("the server's SCRAM challenge");
        await SendAsync(scram.Final(PostgresMessage.Body(challenge)[4..], link.Grant.Secret), ct).ConfigureAwait(false);
        var final = await PostgresMessage.ReadAsync(link.Upstream, maxMessage, ct).ConfigureAwait(false);
        if (final[0] == (byte)'E') return final;
        if (MethodOf(final) != Method.SaslFinal) throw new SessionException("the server did not prove that it knows the password: it is not the one that the grant is for");
        scram.Verify(PostgresMessage.Body(final)[4..]);
        return null;
    }

    private async Task SendAsync(byte[] body, CancellationToken ct)
    {
        var message = PostgresMessage.Write('p', body);
        try
        {
            await link.Upstream.WriteAsync(message, ct).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body);
            CryptographicOperations.ZeroMemory(message);
        }
    }

    // md5(md5(password, user) in hexadecimal, salt) in hexadecimal, behind the word.
    private byte[] Md5(ReadOnlySpan<byte> salt)
    {
        byte[] inner = [.. link.Grant.Secret.Reveal(), .. Encoding.UTF8.GetBytes(link.Target.User)];
#pragma warning disable CA5351 // The protocol's own choice, for servers that know nothing better.
        byte[] outer = [.. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(MD5.HashData(inner))), .. salt];
        byte[] answer = [.. "md5"u8, .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(MD5.HashData(outer))), 0];
#pragma warning restore CA5351
        CryptographicOperations.ZeroMemory(inner);
        CryptographicOperations.ZeroMemory(outer);
        return answer;
    }

    private static Method MethodOf(byte[] message)
        => message[0] == (byte)'R' && message.Length >= 9 ? (Method)BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(5)) : throw SessionException.Malformed("the server's answer to the login");
}
