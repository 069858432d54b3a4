using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The person's <c>~/.docker/config.json</c> (<c>DOCKER_CONFIG</c>): credentials in <c>auths</c>, or behind the programs of
/// <c>credHelpers</c> and <c>credsStore</c> (<c>docker-credential-NAME get</c>: the registry on its input, JSON on its output).
/// </summary>
internal sealed class DockerConfiguration
{
    private const int MaxFile = 1024 * 1024;
    private readonly ImmutableSortedDictionary<string, string> _auths, _helpers;
    private readonly string _store;

    private DockerConfiguration(string path, ImmutableSortedDictionary<string, string> auths, ImmutableSortedDictionary<string, string> helpers, string store)
        => (Path, _auths, _helpers, _store) = (path, auths, helpers, store);

    internal string Path { get; }

    /// <summary>The registries that the file names, as it names them.</summary>
    internal IEnumerable<string> Registries => _auths.Keys.Concat(_helpers.Keys).Distinct(StringComparer.Ordinal);

    /// <exception cref="MoatException">The file is no configuration of docker.</exception>
    internal static async Task<DockerConfiguration> ReadAsync(GrantSources sources, CancellationToken ct)
    {
        var folder = sources.Variable("DOCKER_CONFIG") ?? System.IO.Path.Combine(sources.Variable("HOME") ?? "/nonexistent", ".docker");
        var path = System.IO.Path.Combine(folder, "config.json");
        if (!File.Exists(path)) return new DockerConfiguration(path, Empty, Empty, "");
        if (new FileInfo(path).Length > MaxFile) throw Bad(path);
        var bytes = await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Bad(path);
            return new DockerConfiguration(path, Texts(root, "auths", entry => entry.ValueKind == JsonValueKind.Object ? OAuthServer.Text(entry, "auth") ?? "" : ""),
                Texts(root, "credHelpers", entry => entry.ValueKind == JsonValueKind.String ? entry.GetString()! : ""), OAuthServer.Text(root, "credsStore") ?? "");
        }
        catch (JsonException)
        {
            // Not as an inner exception: a parser may quote what it read.
            throw Bad(path);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>User and password of a registry, by any of the names; null when there is none.</summary>
    /// <exception cref="MoatException">What is there is no user and password.</exception>
    internal async Task<(string User, Secret Password, string Source)?> FindAsync(IEnumerable<string> names, GrantSources sources, CancellationToken ct)
    {
        foreach (var name in names)
        {
            var helper = _helpers.GetValueOrDefault(name, _store);
            if (helper.Length > 0 && await AskAsync(helper, name, sources, ct).ConfigureAwait(false) is { } answered) return (answered.User, answered.Password, $"docker-credential-{helper}");
            if (_auths.GetValueOrDefault(name) is { Length: > 0 } auth) return Decode(auth) is { } pair ? (pair.User, pair.Password, Path) : throw new MoatException($"{Path}: what stands for {GrantNames.Printable(name)} is no user and password", $"docker login {GrantNames.Printable(name)}");
        }
        return null;
    }

    private static ImmutableSortedDictionary<string, string> Empty => ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private static async Task<(string User, Secret Password)?> AskAsync(string helper, string name, GrantSources sources, CancellationToken ct)
    {
        if (helper.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))) throw new MoatException($"docker's credential helper \"{GrantNames.Printable(helper)}\" is no name of a program", "correct ~/.docker/config.json");
        using var printed = await sources.RunAsync([$"docker-credential-{helper}", "get"], ct, name).ConfigureAwait(false);
        if (printed is null) return null;
        try
        {
            using var document = JsonDocument.Parse(printed.Reveal().ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
            var (user, password) = (OAuthServer.Text(document.RootElement, "Username"), OAuthServer.Text(document.RootElement, "Secret"));
            if (user == "<token>") throw new MoatException($"docker-credential-{helper} has an identity token for {GrantNames.Printable(name)}, and no password", "log in there with a user and a password or an access token: moat grant docker --registry HOST --user NAME");
            return user is null || password is null ? null : (user, Secret.FromText(password));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static (string User, Secret Password)? Decode(string auth)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(auth.Length, pinned: true);
        try
        {
            if (!Convert.TryFromBase64String(auth, bytes, out var length)) return null;
            var colon = bytes.AsSpan(0, length).IndexOf((byte)':');
            if (colon <= 0) return null;
            var user = Encoding.UTF8.GetString(bytes.AsSpan(0, colon));
            // Some versions of docker pad with NUL.
            return (user, Secret.Copy(bytes.AsSpan(colon + 1, length - colon - 1).TrimEnd((byte)0)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static ImmutableSortedDictionary<string, string> Texts(JsonElement root, string name, Func<JsonElement, string> read)
        => root.TryGetProperty(name, out var section) && section.ValueKind == JsonValueKind.Object ? section.EnumerateObject().ToImmutableSortedDictionary(entry => entry.Name, entry => read(entry.Value), StringComparer.Ordinal) : Empty;

    private static MoatException Bad(string path) => new($"{path} is no configuration of docker", "correct it, or name registry and user: moat grant docker --registry HOST --user NAME");
}
