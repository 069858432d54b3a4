using Moat.Credentials.Ssh;

namespace Moat.Gateway.Ssh;

/// <summary>
/// The data that a client signs to log in (RFC 4252 §7): the session, the user, the key. Only the one spelling of it is
/// read; whatever differs by a byte is something else, and nothing else is signed.
/// </summary>
internal sealed record LoginData(string User, string Algorithm, SshPublicKey Key)
{
    private const byte UserAuthRequest = 50;
    private const int MaxUser = 255;

    /// <summary>The login that the data is, for a bound session; null when it is none, or another session's.</summary>
    public static LoginData? Read(ReadOnlySpan<byte> data, SessionBinding binding, out string problem)
    {
        problem = "what is to be signed is no login";
        var reader = new SshReader(data);
        var session = reader.String();
        var number = reader.Byte();
        var user = reader.Text();
        var service = reader.Text();
        var method = reader.Text();
        var hasSignature = reader.Boolean();
        var algorithm = reader.Text();
        var key = SshPublicKey.Read(reader.String());
        // OpenSSH's method of this name says once more which host it is for.
        var isHostBound = method == "publickey-hostbound-v00@openssh.com";
        var hostKey = isHostBound ? reader.String() : [];
        if (!reader.IsAtEnd || number != UserAuthRequest || service != "ssh-connection" || !(isHostBound || method == "publickey") || !hasSignature || key is null || user.Length > MaxUser) return null;
        problem = "what is to be signed belongs to another session than the connection is bound to";
        if (!session.SequenceEqual(binding.SessionId) || (isHostBound && !hostKey.SequenceEqual(binding.HostKey.Blob))) return null;
        problem = "";
        return new LoginData(user, algorithm, key);
    }
}
