using System.Buffers.Binary;
using System.Text;

namespace Moat.Gateway.Databases;

/// <summary>What a PostgreSQL client says first: which user, which database, which settings.</summary>
internal sealed class PostgresStartup
{
    public const int Version3 = 3 << 16;

    /// <summary>The server's own limit.</summary>
    public const int MaxLength = 10_000;

    private readonly List<(string Name, string Value)> _settings = [];

    /// <summary>Minor version of protocol 3 that the client would like.</summary>
    public int Minor { get; private init; }

    public string User => Setting("user") ?? "";

    public string? Database => Setting("database");

    /// <summary>True: the client asks for the stream of changes of the whole server, whatever the database.</summary>
    public bool IsReplication => Setting("replication") is { } value && value is not ("false" or "off" or "no" or "0");

    /// <summary>Extensions of the protocol; none is spoken here.</summary>
    public IEnumerable<string> Extensions => _settings.Where(setting => setting.Name.StartsWith("_pq_.", StringComparison.Ordinal)).Select(setting => setting.Name);

    /// <param name="version">The code that stood before the settings.</param>
    /// <param name="body">Names and values, each with a zero behind it, and a zero at the end.</param>
    /// <exception cref="SessionException">It is none of protocol 3, or malformed.</exception>
    public static PostgresStartup Parse(int version, ReadOnlySpan<byte> body)
    {
        if (version >> 16 != 3) throw new SessionException("only version 3 of PostgreSQL's protocol is spoken here");
        var startup = new PostgresStartup { Minor = version & 0xFFFF };
        while (true)
        {
            var name = Take(ref body);
            if (name.Length == 0) break;
            // A name that stands there twice would be read in two ways.
            if (startup._settings.Exists(setting => setting.Name == name)) throw SessionException.Malformed("the startup message");
            startup._settings.Add((name, Take(ref body)));
        }
        if (!body.IsEmpty || startup.User.Length == 0) throw SessionException.Malformed("the startup message");
        return startup;
    }

    /// <summary>The startup message for the server: the client's settings, another user and database.</summary>
    public byte[] Write(string user, string database)
    {
        using var body = new MemoryStream();
        Add("user", user);
        Add("database", database);
        foreach (var (name, value) in _settings)
            if (name is not ("user" or "database" or "replication") && !name.StartsWith("_pq_.", StringComparison.Ordinal)) Add(name, value);
        body.WriteByte(0);
        return PostgresMessage.WriteRequest(Version3, body.ToArray());

        void Add(string name, string value)
        {
            // Latin-1 both ways: the bytes stay what they were.
            body.Write(Encoding.Latin1.GetBytes(name));
            body.WriteByte(0);
            body.Write(Encoding.Latin1.GetBytes(value));
            body.WriteByte(0);
        }
    }

    /// <summary>NegotiateProtocolVersion: 3.0 and no extension; null when the client asked for no more.</summary>
    public byte[]? Negotiation()
    {
        var extensions = Extensions.ToList();
        if (Minor == 0 && extensions.Count == 0) return null;
        var names = Encoding.Latin1.GetBytes(string.Concat(extensions.Select(name => name + "\0")));
        var body = new byte[8 + names.Length];
        BinaryPrimitives.WriteInt32BigEndian(body, Version3);
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(4), extensions.Count);
        names.CopyTo(body, 8);
        return PostgresMessage.Write('v', body);
    }

    private string? Setting(string name) => _settings.Find(setting => setting.Name == name).Value;

    private static string Take(ref ReadOnlySpan<byte> body)
    {
        var end = body.IndexOf((byte)0);
        if (end < 0) throw SessionException.Malformed("the startup message");
        var text = Encoding.Latin1.GetString(body[..end]);
        body = body[(end + 1)..];
        return text;
    }
}
