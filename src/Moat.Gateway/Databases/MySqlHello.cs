using System.Buffers.Binary;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>The client's answer to the greeting (HandshakeResponse41), without its proof, which proves nothing here.</summary>
internal sealed class MySqlHello
{
    public const int HeadLength = 32;

    private readonly byte[] _head;
    private byte[] _attributes = [];

    private MySqlHello(byte[] head) => _head = head;

    public MySqlCapabilities Capabilities { get; private set; }

    public string Database { get; private set; } = "";

    public string Plugin { get; private set; } = "";

    /// <summary>True: the client sent some proof, and its plugin waits for the answer to it.</summary>
    public bool HasProof { get; private set; }

    /// <summary>True for the head alone: the client asks for TLS, and says the rest behind it.</summary>
    public static bool IsTlsRequest(ReadOnlySpan<byte> payload)
        => payload.Length == HeadLength && ((MySqlCapabilities)BinaryPrimitives.ReadUInt32LittleEndian(payload)).HasFlag(MySqlCapabilities.Ssl);

    /// <exception cref="SessionException">It is malformed, or of a client before protocol 4.1.</exception>
    public static MySqlHello Parse(ReadOnlySpan<byte> payload, MySqlCapabilities offered)
    {
        if (payload.Length < HeadLength + 2) throw SessionException.Malformed("the client's hello");
        var hello = new MySqlHello(payload[..HeadLength].ToArray()) { Capabilities = (MySqlCapabilities)BinaryPrimitives.ReadUInt32LittleEndian(payload) & offered };
        if (!hello.Capabilities.HasFlag(MySqlCapabilities.Protocol41)) throw new SessionException("only protocol 4.1 of MySQL is spoken here");
        var rest = payload[HeadLength..];
        _ = Text(ref rest); // the user, whom the grant replaces
        // A length below 251 is one byte in both of its forms; the oldest form ends with a zero.
        if ((hello.Capabilities & (MySqlCapabilities.PluginAuthLengthEncoded | MySqlCapabilities.SecureConnection)) == 0)
        {
            hello.HasProof = Text(ref rest).Length > 0;
        }
        else
        {
            if (rest.IsEmpty || rest[0] > 250 || rest.Length < 1 + rest[0]) throw SessionException.Malformed("the client's hello");
            hello.HasProof = rest[0] > 1 || (rest[0] == 1 && rest[1] != 0);
            rest = rest[(1 + rest[0])..];
        }
        if (hello.Capabilities.HasFlag(MySqlCapabilities.ConnectWithDb)) hello.Database = Text(ref rest);
        if (hello.Capabilities.HasFlag(MySqlCapabilities.PluginAuth) && !rest.IsEmpty) hello.Plugin = Text(ref rest);
        if (hello.Capabilities.HasFlag(MySqlCapabilities.ConnectAttributes)) hello._attributes = rest.ToArray();
        return hello;
    }

    /// <summary>The head for the server: its capabilities are the client's, so that what follows means the same on both sides.</summary>
    public byte[] Head(bool tls, bool hasDatabase)
    {
        var capabilities = Capabilities & ~(MySqlCapabilities.Ssl | MySqlCapabilities.ConnectWithDb | MySqlCapabilities.PluginAuthLengthEncoded);
        capabilities |= MySqlCapabilities.LongPassword | MySqlCapabilities.SecureConnection | MySqlCapabilities.PluginAuth;
        if (tls) capabilities |= MySqlCapabilities.Ssl;
        if (hasDatabase) capabilities |= MySqlCapabilities.ConnectWithDb;
        if (_attributes.Length == 0) capabilities &= ~MySqlCapabilities.ConnectAttributes;
        var head = new byte[HeadLength];
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)capabilities);
        // The largest packet and the character set; the rest is reserved.
        _head.AsSpan(4, 5).CopyTo(head.AsSpan(4));
        return head;
    }

    /// <summary>The whole answer for the server.</summary>
    public byte[] ForServer(bool tls, string user, string database, byte[] proof, string plugin)
    {
        var name = database.Length == 0 ? [] : Encoding.Latin1.GetBytes(database + "\0");
        return [.. Head(tls, name.Length > 0), .. Encoding.ASCII.GetBytes(user), 0, (byte)proof.Length, .. proof, .. name, .. Encoding.ASCII.GetBytes(plugin), 0, .. _attributes];
    }

    private static string Text(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)0);
        if (end < 0) throw SessionException.Malformed("the client's hello");
        var text = Encoding.Latin1.GetString(rest[..end]);
        rest = rest[(end + 1)..];
        return text;
    }
}
