using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The grants <c>postgres:HOST</c>, <c>mysql:HOST</c> and <c>redis:HOST</c>: a login at one database server, which the
/// gateway does in the client's place.
/// </summary>
internal static class DatabaseGrant
{
    /// <summary>The sandbox's name for the host's loopback, the one way that nobody else is on.</summary>
    private const string HostName = "moat-host";

    // The run's own trust store, where libpq does not look by itself.
    private const string Bundle = "/etc/ssl/certs/ca-certificates.crt";

    // Ports of the gateway's other doors.
    private static readonly int[] s_taken = [22, 53, 80, 443, 3128];

    private static readonly Dictionary<string, (DatabaseKind Kind, int Port, string Password, string User)> s_kinds = new(StringComparer.Ordinal)
    {
        ["postgres"] = (DatabaseKind.Postgres, 5432, "PGPASSWORD", "PGUSER"),
        ["mysql"] = (DatabaseKind.MySql, 3306, "MYSQL_PWD", "MYSQL_USER"),
        ["redis"] = (DatabaseKind.Redis, 6379, "REDISCLI_AUTH", "REDISCLI_USER"),
    };

    internal static string WordOf(DatabaseKind kind) => s_kinds.First(pair => pair.Value.Kind == kind).Key;

    /// <summary>Kind and host of a grant's name; null for a name of another family.</summary>
    internal static (DatabaseKind Kind, string Host)? Split(string name)
        => name.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && s_kinds.TryGetValue(name[..colon], out var kind) && IsHost(name[(colon + 1)..]) ? (kind.Kind, name[(colon + 1)..]) : null;

    /// <summary>The grant's whole name: <c>postgres</c> with a host of its own becomes <c>postgres:HOST</c>.</summary>
    /// <exception cref="MoatException">The host is missing or none.</exception>
    internal static GrantRequest Named(GrantRequest request)
    {
        if (!s_kinds.ContainsKey(request.Name)) return request;
        var host = request.Database?.Host?.ToLowerInvariant()
            ?? throw new MoatException($"which {request.Name} server the grant is for is not known", $"name it: moat grant {request.Name} --host db.example.org --user NAME");
        if (!IsHost(host)) throw new MoatException($"\"{GrantNames.Printable(host)}\" is no host of a database", "write a host name, or an IPv4 address; for a database on this machine: moat-host");
        return request with { Name = $"{request.Name}:{host}", Database = request.Database with { Host = null } };
    }

    /// <summary>The provider of a name of this family; null for any other name.</summary>
    internal static ProviderDefinition? Provider(string name)
    {
        if (Split(name) is not { } place || !GrantNames.IsName(name)) return null;
        var word = WordOf(place.Kind);
        return new ProviderDefinition
        {
            Name = name,
            Description = $"{word} at {place.Host}",
            Bindings = [],
            SourceEnv = [s_kinds[word].Password],
            Prompt = $"Password at {name}",
            Placeholder = PlaceholderTemplate.Default,
            Find = async (sources, request, ct) =>
            {
                var target = Target(name, place.Kind, place.Host, request.Database ?? new DatabaseRequest(), sources);
                var (token, source) = await sources.FindAsync(Provider(name)!, request.Prompt, ct).ConfigureAwait(false);
                return new GrantDraft(token, source) { Metadata = target.ToMetadata() };
            },
            WriteEnv = (credential, placeholders) => Env(DatabaseTarget.Of(credential)!, placeholders[""]),
        };
    }

    private static DatabaseTarget Target(string name, DatabaseKind kind, string host, DatabaseRequest request, GrantSources sources)
    {
        var known = s_kinds[WordOf(kind)];
        if (request.Host is not null) throw new MoatException($"the grant {name} has its host in its name", "leave --host out, or name the grant without a host");
        if (host is "localhost" || host.StartsWith("127.", StringComparison.Ordinal))
            throw new MoatException($"{host} is the sandbox itself, inside", $"grant {WordOf(kind)}:{HostName}, and open the port in moat.yaml: network.host");
        var user = request.User ?? sources.Variable(known.User) ?? "";
        if (user.Length == 0 && kind != DatabaseKind.Redis) throw new MoatException($"which user logs in at {name} is not known", $"moat grant {name} --user NAME");
        if (user.Length > 128 || user.Any(c => c is < '!' or > '~')) throw new MoatException("the user's name holds a space, a control character or one beyond ASCII, or is longer than 128", "give the name that the server knows");
        var database = request.Database ?? "";
        if (kind == DatabaseKind.Redis ? database.Length > 0 && !(int.TryParse(database, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < 1 << 20) : database.Length > 128 || database.Any(c => c is < ' ' or > '~'))
            throw new MoatException($"\"{GrantNames.Printable(database)}\" is no database", kind == DatabaseKind.Redis ? "a Redis database is a number: --database 3" : "give the name that the server knows");
        var port = request.Port ?? known.Port;
        if (port is < 1 or > 65535 || s_taken.Contains(port)) throw new MoatException($"port {port} cannot be a database's", $"it is 1 to 65535, and none of {string.Join(", ", s_taken)}");
        return new DatabaseTarget(kind, host, port) { User = user, Database = database, Tls = Tls(request.SslMode, host), CaPem = Ca(request.CaPem) };
    }

    private static DatabaseTls Tls(string? mode, string host) => mode switch
    {
        null => host == HostName ? DatabaseTls.Disable : DatabaseTls.VerifyFull,
        "verify-full" => DatabaseTls.VerifyFull,
        "disable" => DatabaseTls.Disable,
        _ => throw new MoatException($"there is no --sslmode \"{GrantNames.Printable(mode)}\"", "verify-full, or disable; TLS that verifies nothing is none"),
    };

    private static string Ca(string? pem)
    {
        if (pem is null) return "";
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(pem);
            // Written anew: a private key that stands in the same file is none of the vault's business.
            if (found.Count > 0) return string.Concat(found.Select(certificate => certificate.ExportCertificatePem() + "\n"));
        }
        catch (CryptographicException)
        {
            // Told below, as a file without any.
        }
        finally
        {
            foreach (var certificate in found) certificate.Dispose();
        }
        throw new MoatException("the file of --ca holds no certificate", "give a file with PEM certificates (BEGIN CERTIFICATE)");
    }

    private static bool IsHost(string host) => HostPattern.TryParse(host, out var parsed, out _) && parsed.Port is null && parsed.Host == host && !host.Contains('*', StringComparison.Ordinal) && !host.Contains(':', StringComparison.Ordinal);

    /// <summary>What clients look at. The password in it is the placeholder, worth nothing anywhere.</summary>
    private static ImmutableSortedDictionary<string, string> Env(DatabaseTarget target, string placeholder)
    {
        var port = target.Port.ToString(CultureInfo.InvariantCulture);
        var place = $"{Uri.EscapeDataString(target.User)}:{placeholder}@{target.Host}:{port}/{Uri.EscapeDataString(target.Database)}";
        (string, string)[] env = target.Kind switch
        {
            DatabaseKind.Postgres =>
            [
                ("DATABASE_URL", $"postgresql://{place}"), ("PGHOST", target.Host), ("PGPORT", port), ("PGUSER", target.User), ("PGPASSWORD", placeholder),
                ("PGDATABASE", target.Database), ("PGSSLROOTCERT", Bundle),
            ],
            DatabaseKind.MySql =>
            [
                ("MYSQL_URL", $"mysql://{place}"), ("MYSQL_HOST", target.Host), ("MYSQL_TCP_PORT", port), ("MYSQL_USER", target.User), ("MYSQL_PWD", placeholder),
                ("MYSQL_DATABASE", target.Database),
            ],
            _ => [("REDIS_URL", $"redis://{place}"), ("REDIS_HOST", target.Host), ("REDIS_PORT", port), ("REDISCLI_AUTH", placeholder)],
        };
        return env.Where(pair => pair.Item2.Length > 0).ToImmutableSortedDictionary(pair => pair.Item1, pair => pair.Item2, StringComparer.Ordinal);
    }
}
