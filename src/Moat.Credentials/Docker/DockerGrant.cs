using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The <c>docker</c> grant: the registries of the person's own docker, each with a placeholder of its own, and a
/// <c>config.json</c> for the sandbox that holds those. User and password go to the registry, or to the realm that gives its
/// tokens; the tokens stay in the gateway (<see cref="TokenCapture"/>) and go to that registry alone.
/// </summary>
internal static class DockerGrant
{
    internal const string Name = "docker";
    private const string KeyKey = "docker.key:", PasswordVariable = "DOCKER_PASSWORD";

    internal static ProviderDefinition Provider() => new()
    {
        Name = Name,
        Description = "Container registries, as your own docker is logged in",
        Bindings = [],
        SourceEnv = [PasswordVariable],
        Prompt = "Password or access token of the registry",
        Placeholder = PlaceholderTemplate.Default,
        Find = FindAsync,
        WriteFiles = Files,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var configuration = await DockerConfiguration.ReadAsync(sources, ct).ConfigureAwait(false);
        var asked = request.Registry ?? new RegistryRequest([], null, null);
        string[] keys = asked.Hosts.IsEmpty ? [.. configuration.Registries] : [.. asked.Hosts];
        if (keys.Length == 0) throw new MoatException("no registry is named, and your docker is logged in at none", "docker login HOST, or: moat grant docker --registry HOST --user NAME");
        if (asked.User is not null && keys.Length != 1) throw new MoatException("--user is for one registry", "name it: --registry HOST");
        var found = new List<Registry>();
        try
        {
            foreach (var key in keys.Select(Key).Distinct(StringComparer.Ordinal))
            {
                var (user, password, source) = await CredentialAsync(key, asked.User, configuration, sources, request, ct).ConfigureAwait(false);
                var registry = new Registry(key, Root(key), user, password, source);
                found.Add(registry);
                if (user.Any(c => c is < '!' or > '~' or ':')) throw new MoatException($"the user of {GrantNames.Printable(key)} holds a character that no user of HTTP Basic has", "correct it, then grant again");
                var probe = new RegistryProbe(sources.Handler);
                found[^1] = registry with { Realm = await probe.RealmAsync(registry.Root, asked.AuthHost, ct).ConfigureAwait(false) };
                if (!request.NoValidate) await probe.CheckAsync(registry.Root, found[^1].Realm, user, password, ct).ConfigureAwait(false);
            }
            return Draft(found);
        }
        catch
        {
            foreach (var registry in found) registry.Password.Dispose();
            throw;
        }
    }

    private static async Task<(string User, Secret Password, string Source)> CredentialAsync(string key, string? user, DockerConfiguration configuration, GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        if (user is null)
        {
            // docker writes a registry with and without a scheme.
            return await configuration.FindAsync([key, "https://" + key, "https://" + key + "/"], sources, ct).ConfigureAwait(false)
                ?? throw new MoatException($"your docker is not logged in at {GrantNames.Printable(key)}", $"docker login {GrantNames.Printable(key)}, or name the user: --user NAME");
        }
        var (password, source) = await sources.FindAsync(Provider(), request.Prompt, ct).ConfigureAwait(false);
        return (user, password, source);
    }

    private static GrantDraft Draft(List<Registry> found)
    {
        var (bindings, captures) = (ImmutableArray.CreateBuilder<InjectionBinding>(), ImmutableArray.CreateBuilder<TokenCapture>());
        foreach (var registry in found)
        {
            var place = registry.Realm ?? registry.Root;
            var path = registry.Realm is null ? InjectionBinding.AnyPath : registry.Realm.AbsolutePath;
            bindings.Add(new InjectionBinding(Host(place).Host, "Authorization", InjectionSlot.BasicPassword, registry.User, Host(place).Port) { Part = registry == found[0] ? "" : registry.Key, Path = path });
            if (registry.Realm is not null) captures.Add(new TokenCapture(Host(place).Host, path, [Text(Host(registry.Root))], Host(place).Port));
        }
        return new GrantDraft(found[0].Password, found[0].Source)
        {
            Parts = found.Skip(1).ToImmutableSortedDictionary(registry => registry.Key, registry => registry.Password, StringComparer.Ordinal),
            Bindings = bindings.ToImmutable(),
            Captures = captures.ToImmutable(),
            Metadata = found.ToImmutableSortedDictionary(registry => KeyKey + registry.Key, registry => registry.User, StringComparer.Ordinal).Add(KeyKey, found[0].Key),
        };
    }

    /// <summary>docker's own file, with placeholders.</summary>
    private static ImmutableArray<GrantFile> Files(StoredCredential credential, IReadOnlyDictionary<string, string> placeholders)
    {
        using var buffer = new MemoryStream();
        using (var json = new System.Text.Json.Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("auths"u8);
            foreach (var (key, user) in credential.Metadata.Where(pair => pair.Key.StartsWith(KeyKey, StringComparison.Ordinal) && pair.Key.Length > KeyKey.Length))
            {
                var name = key[KeyKey.Length..];
                json.WriteStartObject(name);
                json.WriteString("auth"u8, Convert.ToBase64String(Encoding.ASCII.GetBytes($"{user}:{placeholders[credential.Metadata[KeyKey] == name ? "" : name]}")));
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return [new GrantFile(".docker/config.json", Encoding.UTF8.GetString(buffer.ToArray()))];
    }

    /// <summary>The name that docker's file has for a registry: host and port.</summary>
    private static string Key(string name)
    {
        if (name.EndsWith("/v1/", StringComparison.Ordinal))
            throw new MoatException($"{GrantNames.Printable(name)} in your docker's configuration is an index of the old kind, which does not say where its registry is", "name the registries: moat grant docker --registry HOST; for the one behind that index also --user NAME and --auth-host HOST");
        if (name.StartsWith("http://", StringComparison.Ordinal)) throw new MoatException($"the registry {GrantNames.Printable(name)} is reached over cleartext, where everyone on the way reads its credential", "use https for it");
        if (name.StartsWith("https://", StringComparison.Ordinal)) name = name["https://".Length..];
        return name.TrimEnd('/');
    }

    private static Uri Root(string key)
        => Uri.TryCreate("https://" + key, UriKind.Absolute, out var url) && url.UserInfo.Length == 0 && url.PathAndQuery == "/" && HostPattern.TryParse(Authority(url), out _, out _) ? url
            : throw new MoatException($"{GrantNames.Printable(key)} is no registry", "write its host, with a port where it has one of its own: --registry registry.example.org:5000");

    private static string Authority(Uri url) => url.IsDefaultPort ? url.IdnHost : string.Create(CultureInfo.InvariantCulture, $"{url.IdnHost}:{url.Port}");

    private static HostPattern Host(Uri url) => HostPattern.TryParse(Authority(url), out var host, out var problem) ? host : throw new MoatException(problem, "check the registry's realm");

    private static string Text(HostPattern host) => host.Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"{host.Host}:{port}") : host.Host;

    private sealed record Registry(string Key, Uri Root, string User, Secret Password, string Source)
    {
        internal Uri? Realm { get; init; }
    }
}
