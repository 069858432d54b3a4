using System.Collections.Immutable;
using System.Text;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The <c>npm</c> grant: every registry of the person's own <c>.npmrc</c> that has a credential, each with a placeholder of
/// its own, and an <c>.npmrc</c> for the sandbox that holds those. No registry is known by name: where a credential goes
/// is what the person's npm is configured to use.
/// </summary>
internal static class NpmGrant
{
    private const string RegistryKey = "npm.registry";
    private static readonly string[] s_tokens = ["NPM_TOKEN", "NODE_AUTH_TOKEN"];

    internal static ProviderDefinition Provider() => new()
    {
        Name = "npm",
        Description = "npm registries, as your own npm is configured",
        Bindings = [],
        SourceEnv = [.. s_tokens],
        Prompt = "npm access token",
        Placeholder = PlaceholderTemplate.Parse("npm_{base62:30}{crc32}"),
        Find = FindAsync,
        Checks = credential => [.. credential.Bindings.Select(binding => Check(binding, credential.SecretOf(binding.Part)))],
        WriteFiles = Files,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var path = sources.Variable("NPM_CONFIG_USERCONFIG") ?? sources.Variable("npm_config_userconfig") ?? Path.Combine(sources.Variable("HOME") ?? "/nonexistent", ".npmrc");
        var configuration = NpmConfiguration.Parse(File.Exists(path) ? await File.ReadAllTextAsync(path, ct).ConfigureAwait(false) : "", sources.Variable);
        var registries = configuration.Registries;
        if ((sources.Variable("NPM_CONFIG_REGISTRY") ?? sources.Variable("npm_config_registry")) is { } named && Uri.TryCreate(named, UriKind.Absolute, out var url)) registries = registries.SetItem("", url);

        var found = new List<Registry>();
        try
        {
            foreach (var dart in configuration.Authorized)
            {
                var (secret, user) = configuration.CredentialOf(dart) ?? throw new MoatException($"{path}: what stands for {GrantNames.Printable(dart)} is no credential", "correct it (npm login), then grant again");
                found.Add(new Registry(dart, secret, user));
            }
            var source = path;
            if (found.Count == 0)
            {
                if (!registries.ContainsKey("")) registries = registries.SetItem("", await DefaultAsync(sources, ct).ConfigureAwait(false));
                var (token, from) = await sources.FindAsync(Provider(), request.Prompt, ct).ConfigureAwait(false);
                found.Add(new Registry(NpmConfiguration.DartOf(registries[""]), token, null));
                source = from;
            }
            return Draft(found, registries, source);
        }
        catch
        {
            foreach (var registry in found) registry.Secret.Dispose();
            throw;
        }
    }

    // Only npm itself knows the registry of a person who configured none.
    private static async Task<Uri> DefaultAsync(GrantSources sources, CancellationToken ct)
    {
        using var answer = await sources.RunAsync(["npm", "config", "get", "registry"], ct).ConfigureAwait(false);
        return answer is not null && Uri.TryCreate(Encoding.UTF8.GetString(answer.Reveal()), UriKind.Absolute, out var url) ? url
            : throw new MoatException("which registry the npm credential is for is not known", "name it in your .npmrc (registry=https://…), or install npm");
    }

    private static GrantDraft Draft(List<Registry> found, ImmutableSortedDictionary<string, Uri> registries, string source)
    {
        // The first is the token, the others are parts under their registry's name.
        var first = registries.TryGetValue("", out var main) ? found.FindIndex(registry => registry.Dart == NpmConfiguration.DartOf(main)) : 0;
        if (first > 0) (found[0], found[first]) = (found[first], found[0]);
        var bindings = ImmutableArray.CreateBuilder<InjectionBinding>();
        for (var i = 0; i < found.Count; i++)
        {
            var (dart, _, user) = found[i];
            var registry = registries.Values.FirstOrDefault(other => NpmConfiguration.DartOf(other) == dart) ?? Parse(dart);
            if (registry.Scheme != "https")
                throw new MoatException($"the registry {registry.Authority} is reached over cleartext, where everyone on the way reads its credential", "use https for it in your .npmrc, or remove its credential there");
            if (!HostPattern.TryParse(registry.IsDefaultPort ? registry.IdnHost : registry.Authority, out var host, out var problem)) throw new MoatException(problem, "correct the registry in your .npmrc");
            var folder = registry.AbsolutePath.TrimEnd('/');
            bindings.Add(new InjectionBinding(host.Host, "Authorization", user is null ? InjectionSlot.Header : InjectionSlot.BasicPassword, user ?? "Bearer ", host.Port)
            {
                Part = i == 0 ? "" : dart,
                Path = folder + InjectionBinding.AnyPath,
            });
        }
        return new GrantDraft(found[0].Secret, source)
        {
            Parts = found.Skip(1).ToImmutableSortedDictionary(registry => registry.Dart, registry => registry.Secret, StringComparer.Ordinal),
            Bindings = bindings.ToImmutable(),
            Metadata = registries.ToImmutableSortedDictionary(pair => RegistryKey + pair.Key, pair => pair.Value.AbsoluteUri, StringComparer.Ordinal),
        };
    }

    private static Uri Parse(string dart)
        => Uri.TryCreate("https:" + dart, UriKind.Absolute, out var url) && url.UserInfo.Length == 0 && NpmConfiguration.DartOf(url) == dart ? url
            : throw new MoatException($"{GrantNames.Printable(dart)} is no registry", "correct it in your .npmrc: //host/path/:_authToken=…");

    private static (ProviderValidation, Secret) Check(InjectionBinding binding, Secret secret)
    {
        var isToken = binding.Slot == InjectionSlot.Header;
        var validation = new ProviderValidation($"https:{DartOf(binding)}-/whoami", "GET", "Authorization", isToken ? "Bearer " : "Basic ", []) { IsOptional = true };
        if (isToken) return (validation, Secret.Copy(secret.Reveal()));
        byte[] pair = [.. Encoding.UTF8.GetBytes(binding.Argument + ":"), .. secret.Reveal()];
        var proof = Secret.FromText(Convert.ToBase64String(pair));
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(pair);
        return (validation, proof);
    }

    private static string DartOf(InjectionBinding binding)
        => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"//{binding.Host}{(binding.Port is { } port ? $":{port}" : "")}{binding.Path[..^InjectionBinding.AnyPath.Length]}/");

    /// <summary>The sandbox's <c>.npmrc</c>: the person's registries, and for each credential its placeholder.</summary>
    private static ImmutableArray<GrantFile> Files(StoredCredential credential, IReadOnlyDictionary<string, string> placeholders)
    {
        var text = new StringBuilder();
        foreach (var (key, url) in credential.Metadata.Where(pair => pair.Key.StartsWith(RegistryKey, StringComparison.Ordinal)))
            text.Append(key.Length == RegistryKey.Length ? "registry" : key[RegistryKey.Length..] + ":registry").Append('=').Append(url).Append('\n');
        foreach (var binding in credential.Bindings)
        {
            var placeholder = placeholders[binding.Part];
            text.Append(DartOf(binding)).Append(binding.Slot == InjectionSlot.Header ? $":_authToken={placeholder}\n" : $":_auth={Convert.ToBase64String(Encoding.UTF8.GetBytes($"{binding.Argument}:{placeholder}"))}\n");
        }
        return [new GrantFile(".npmrc", text.ToString())];
    }

    private sealed record Registry(string Dart, Secret Secret, string? User);
}
