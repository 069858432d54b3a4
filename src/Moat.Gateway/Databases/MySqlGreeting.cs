using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>What client and server of MySQL agree on in their first two packets.</summary>
[Flags]
internal enum MySqlCapabilities : uint
{
    LongPassword = 1,
    ConnectWithDb = 8,
    Compress = 0x20,
    Protocol41 = 0x200,
    Ssl = 0x800,
    SecureConnection = 0x8000,
    PluginAuth = 0x80000,
    ConnectAttributes = 0x100000,
    PluginAuthLengthEncoded = 0x200000,

    /// <summary>
    /// All that the relay may carry. Not compression, which would hide the commands; not several factors, which the
    /// gateway does not give; not MariaDB's own, which stand elsewhere (with <see cref="LongPassword"/> there are none).
    /// </summary>
    Passed = 0x0BFF_FFDF & ~Ssl,
}

/// <summary>The server's first packet (HandshakeV10).</summary>
internal sealed class MySqlGreeting
{
    public const string NativePassword = "mysql_native_password";

    private const int SaltLength = 20;
    private const MySqlCapabilities Needed = MySqlCapabilities.Protocol41 | MySqlCapabilities.SecureConnection | MySqlCapabilities.PluginAuth;

    private readonly byte[] _before;
    private readonly byte _charset;
    private readonly ushort _status;

    private MySqlGreeting(byte[] before, byte charset, ushort status) => (_before, _charset, _status) = (before, charset, status);

    public MySqlCapabilities Capabilities { get; private init; }

    public byte[] Salt { get; private init; } = [];

    public string Plugin { get; private init; } = "";

    /// <summary>What a client is offered of it.</summary>
    public MySqlCapabilities Offered => (Capabilities & MySqlCapabilities.Passed) | MySqlCapabilities.Ssl | MySqlCapabilities.LongPassword | Needed;

    /// <exception cref="SessionException">It is malformed, or of a server before 5.5.</exception>
    public static MySqlGreeting Parse(ReadOnlySpan<byte> payload)
    {
        var version = payload.IndexOf((byte)0);
        if (payload[0] != 10 || version < 2 || payload.Length < version + 1 + 4 + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10 + 13) throw SessionException.Malformed("the server's greeting");
        var rest = payload[(version + 5)..];
        var capabilities = (MySqlCapabilities)(BinaryPrimitives.ReadUInt16LittleEndian(rest[9..]) | ((uint)BinaryPrimitives.ReadUInt16LittleEndian(rest[14..]) << 16));
        if ((capabilities & Needed) != Needed) throw new SessionException("the server is older than the logins that the gateway knows");
        var plugin = rest[(27 + Math.Max(13, rest[16] - 8))..];
        var end = plugin.IndexOf((byte)0);
        return new MySqlGreeting(payload[..(version + 5)].ToArray(), rest[11], BinaryPrimitives.ReadUInt16LittleEndian(rest[12..]))
        {
            Capabilities = capabilities,
            Salt = [.. rest[..8], .. rest.Slice(27, 12)],
            Plugin = Encoding.ASCII.GetString(end < 0 ? plugin : plugin[..end]),
        };
    }

    /// <summary>The same server, as the client gets to know it: a salt of our own, and what the relay may carry.</summary>
    public byte[] ForClient()
    {
        var salt = new byte[SaltLength];
        for (var i = 0; i < salt.Length; i++) salt[i] = (byte)RandomNumberGenerator.GetInt32(1, 128);
        var offered = (uint)Offered;
        return
        [
            .. _before, .. salt[..8], 0, (byte)offered, (byte)(offered >> 8), _charset, (byte)_status, (byte)(_status >> 8), (byte)(offered >> 16), (byte)(offered >> 24),
            SaltLength + 1, .. new byte[10], .. salt[8..], 0, .. Encoding.ASCII.GetBytes(NativePassword), 0,
        ];
    }
}
