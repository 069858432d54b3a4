using System.Collections.Immutable;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The providers there are: built in, then <c>providers/*.yaml</c> of the user, then the embedded ones.</summary>
public sealed class ProviderCatalog
{
    private static readonly Lazy<ImmutableArray<ProviderDefinition>> s_embedded = new(LoadEmbedded);
    private readonly Dictionary<string, ProviderDefinition> _byName = new(StringComparer.Ordinal);

    private ProviderCatalog(IEnumerable<ProviderDefinition> inOrder)
    {
        var all = ImmutableArray.CreateBuilder<ProviderDefinition>();
        foreach (var provider in inOrder)
        {
            if (!_byName.TryAdd(provider.Name, provider)) continue;
            all.Add(provider);
        }
        // A name beats an alias, whoever defines it.
        foreach (var provider in all)
            foreach (var alias in provider.Aliases)
                _byName.TryAdd(alias, provider);
        Providers = [.. all.OrderBy(provider => provider.Name, StringComparer.Ordinal)];
    }

    /// <summary>All providers by name.</summary>
    public ImmutableArray<ProviderDefinition> Providers { get; }

    /// <summary>Reads the catalog.</summary>
    /// <param name="userFolder">The <c>providers</c> folder of the configuration; null or absent: none.</param>
    /// <exception cref="MoatException">A file is not a provider, or two files define the same name.</exception>
    public static ProviderCatalog Load(string? userFolder)
    {
        var user = userFolder is not null && Directory.Exists(userFolder) ? LoadUser(userFolder) : [];
        return new ProviderCatalog([.. BuiltInProviders.All, .. user, .. s_embedded.Value]);
    }

    /// <summary>The provider of a name or an alias; null when there is none.</summary>
    public ProviderDefinition? Find(string nameOrAlias) => _byName.GetValueOrDefault(nameOrAlias) ?? McpGrant.Provider(nameOrAlias) ?? OAuthGrant.Provider(nameOrAlias) ?? SshGrant.Provider(nameOrAlias) ?? DatabaseGrant.Provider(nameOrAlias);

    /// <exception cref="MoatException">There is no such provider.</exception>
    public ProviderDefinition Get(string nameOrAlias)
        => Find(nameOrAlias) ?? throw new MoatException($"there is no grant provider \"{GrantNames.Printable(nameOrAlias)}\"",
            "run `moat grant providers` for the names there are, or write a provider file (docs/guides/custom-provider.md)");

    private static List<ProviderDefinition> LoadUser(string folder)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var found = new List<ProviderDefinition>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal))
        {
            var provider = ProviderYaml.Parse(path, File.ReadAllBytes(path), ProviderOrigin.User);
            if (!files.TryAdd(provider.Name, path))
                throw new MoatException($"{path} defines the provider \"{provider.Name}\", and so does {files[provider.Name]}", "remove or rename one of the two");
            if (BuiltInProviders.All.Any(builtIn => builtIn.Name == provider.Name))
                throw new MoatException($"{path} defines the provider \"{provider.Name}\", which is built in and would win", "give the provider another name");
            found.Add(provider);
        }
        return found;
    }

    private static ImmutableArray<ProviderDefinition> LoadEmbedded()
    {
        var assembly = typeof(ProviderCatalog).Assembly;
        var found = ImmutableArray.CreateBuilder<ProviderDefinition>();
        foreach (var name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            found.Add(ProviderYaml.Parse(name, bytes, ProviderOrigin.Embedded));
        }
        return found.ToImmutable();
    }
}
