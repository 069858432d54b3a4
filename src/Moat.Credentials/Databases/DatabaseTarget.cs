using System.Collections.Immutable;
using System.Globalization;

namespace Moat.Credentials;

/// <summary>The protocols of databases that the gateway logs in to.</summary>
public enum DatabaseKind
{
    Postgres,
    MySql,
    Redis,
}

/// <summary>How the way from the gateway to the database is kept from others.</summary>
public enum DatabaseTls
{
    /// <summary>TLS, with a certificate of a trusted authority for the very host.</summary>
    VerifyFull,

    /// <summary>No TLS. What would give the password away to somebody on the way is refused even so.</summary>
    Disable,
}

/// <summary>The one database server that a grant is for, and who logs in there. It holds no secret.</summary>
public sealed record DatabaseTarget(DatabaseKind Kind, string Host, int Port)
{
    private const string PortKey = "database.port", UserKey = "database.user", NameKey = "database.name", TlsKey = "database.tls", CaKey = "database.ca";

    /// <summary>Empty for a Redis that knows no users.</summary>
    public string User { get; init; } = "";

    /// <summary>The database (for Redis its number); empty: the client names one.</summary>
    public string Database { get; init; } = "";

    public DatabaseTls Tls { get; init; }

    /// <summary>Authorities of the server beside the machine's, as PEM; empty: none.</summary>
    public string CaPem { get; init; } = "";

    /// <summary>The target of a stored credential; null for one that is for no database.</summary>
    public static DatabaseTarget? Of(StoredCredential credential)
    {
        ArgumentNullException.ThrowIfNull(credential);
        if (DatabaseGrant.Split(credential.Provider) is not { } name) return null;
        var facts = credential.Metadata;
        return new DatabaseTarget(name.Kind, name.Host, int.Parse(facts[PortKey], CultureInfo.InvariantCulture))
        {
            User = facts[UserKey],
            Database = facts[NameKey],
            Tls = Enum.Parse<DatabaseTls>(facts[TlsKey]),
            CaPem = facts[CaKey],
        };
    }

    internal ImmutableSortedDictionary<string, string> ToMetadata() => ImmutableSortedDictionary<string, string>.Empty
        .Add(PortKey, Port.ToString(CultureInfo.InvariantCulture)).Add(UserKey, User).Add(NameKey, Database).Add(TlsKey, Tls.ToString()).Add(CaKey, CaPem);

    /// <summary>In words, for a person: <c>postgres://app@db.example:5432/shop (verify-full)</c>.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"{DatabaseGrant.WordOf(Kind)}://{User}{(User.Length > 0 ? "@" : "")}{Host}:{Port}{(Database.Length > 0 ? "/" : "")}{Database} ({(Tls == DatabaseTls.VerifyFull ? "verify-full" : "without TLS")})");
}
