using System.Collections.Immutable;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>What became of one thing of another installation. <paramref name="Note"/> says what differs, or why it was left.</summary>
public sealed record ImportedItem(string Kind, string Name, string Profile, bool IsTaken, string Note);

/// <summary>Takes the credentials and provider files of a majorcontext/moat installation over. Nothing there is changed, and nothing here is overwritten.</summary>
public sealed class MoatImport
{
    private readonly string _dataDirectory, _providers, _searchPath;
    private readonly VaultOptions _options;
    private readonly TimeProvider _time;

    /// <param name="dataDirectory">Moat's data folder, whose vault takes the credentials.</param>
    /// <param name="providers">The folder of the person's provider files.</param>
    /// <param name="options">Null: of this process' environment.</param>
    /// <param name="time">Null: the system's clock.</param>
    public MoatImport(string dataDirectory, string providers, VaultOptions? options = null, TimeProvider? time = null)
    {
        _options = options ?? VaultOptions.FromEnvironment();
        (_dataDirectory, _providers, _searchPath, _time) = (dataDirectory, providers, _options.SearchPath, time ?? TimeProvider.System);
    }

    /// <summary>Looks at everything in turn; one that cannot be taken is told and does not stop the others.</summary>
    /// <param name="folder">The other installation (<c>~/.moat</c>).</param>
    /// <param name="dryRun">True: nothing is written.</param>
    /// <exception cref="MoatException">There is no installation there, or none of its keys can be had.</exception>
    public ImmutableArray<ImportedItem> Run(string folder, bool dryRun)
    {
        var items = ImmutableArray.CreateBuilder<ImportedItem>();
        using var store = GoStore.Open(folder, _searchPath);
        items.AddRange(Providers(Path.Combine(folder, "providers"), dryRun));
        var catalog = ProviderCatalog.Load(_providers);
        foreach (var (profile, path) in store.Files())
        {
            try
            {
                items.Add(Take(store.Read(path), profile, catalog, dryRun));
            }
            catch (MoatException ex)
            {
                items.Add(new ImportedItem("grant", Path.GetFileNameWithoutExtension(path), profile, false, ex.Message));
            }
        }
        return items.ToImmutable();
    }

    private IEnumerable<ImportedItem> Providers(string folder, bool dryRun)
    {
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.yaml").Order(StringComparer.Ordinal).ToArray() : [])
        {
            var target = Path.Combine(_providers, Path.GetFileName(path));
            ImportedItem Item(bool isTaken, string note) => new("provider", Path.GetFileNameWithoutExtension(path), "", isTaken, note);
            ImportedItem item;
            try
            {
                var provider = ProviderYaml.Parse(path, File.ReadAllBytes(path), ProviderOrigin.User);
                if (File.Exists(target)) item = Item(false, "a file of this name is here already");
                else if (ProviderCatalog.Load(_providers).Find(provider.Name) is { Origin: not ProviderOrigin.Embedded }) item = Item(false, $"a provider {provider.Name} is here already");
                else
                {
                    if (!dryRun)
                    {
                        Directory.CreateDirectory(_providers);
                        File.Copy(path, target);
                    }
                    item = Item(true, "");
                }
            }
            catch (MoatException ex)
            {
                item = Item(false, ex.Message);
            }
            yield return item;
        }
    }

    private ImportedItem Take(GoCredential from, string profile, ProviderCatalog catalog, bool dryRun)
    {
        using var token = from.Token;
        var name = from.Provider.StartsWith("mcp-", StringComparison.Ordinal) ? McpGrant.Prefix + from.Provider[4..] : from.Provider;
        var into = profile.ToLowerInvariant();
        ImportedItem Left(string why) => new("grant", name, profile, false, why);
        if (Refusal(from, name) is { } refusal) return Left(refusal);
        if (!GrantNames.IsName(name) || catalog.Find(name) is not { } provider) return Left("there is no such provider here");
        var bindings = provider.Bindings;
        if (provider.Name.StartsWith(McpGrant.Prefix, StringComparison.Ordinal))
        {
            if (McpGrant.KnownBinding(provider.Name) is not { } binding) return Left($"where its server is, is not kept there: moat grant {provider.Name} --url https://…");
            bindings = [binding];
        }
        if (Known(from.ExpiresAt) is { } expires && expires <= _time.GetUtcNow()) return Left($"it expired: moat grant {provider.Name}");
        GrantService.CheckShape(provider.Name, bindings, token, "that installation");
        using var vault = Vault.Open(_dataDirectory, into, _options);
        if (vault.Version(provider.Name) is not null) return Left("a grant of this name is here already");
        if (!dryRun)
        {
            vault.Put(new StoredCredential
            {
                Provider = provider.Name,
                Token = token,
                Scopes = from.Scopes ?? [],
                Bindings = provider.Bindings.IsEmpty ? bindings : [],
                ExpiresAt = Known(from.ExpiresAt),
                CreatedAt = _time.GetUtcNow(),
                Metadata = Metadata(provider.Name, from).Add("source", "moat import moat"),
            });
        }
        return new ImportedItem("grant", provider.Name, into, true, Note(provider, profile, into));
    }

    // What those tokens are there is not what a token is here.
    private static string? Refusal(GoCredential from, string name) => name switch
    {
        "npm" => "its registries are read from your .npmrc here: moat grant npm",
        "aws" => "it is the name of a role in AWS and no credential: moat grant aws --role ARN",
        "gemini" when from.Metadata?.Any(pair => pair.Value.Contains("oauth", StringComparison.OrdinalIgnoreCase)) == true => "it is a Google login; a grant here is an API key: moat grant gemini",
        _ when SshGrant.HostOf(name) is { } host => $"a key is granted here with the host's pinned keys; run: moat grant ssh --host {host}",
        _ when name.StartsWith(OAuthGrant.Prefix, StringComparison.Ordinal) => $"its tokens are of that tool's own client: moat grant oauth {name[OAuthGrant.Prefix.Length..]}",
        _ => null,
    };

    private static string Note(ProviderDefinition provider, string profile, string into)
    {
        List<string> notes = [];
        if (profile != into) notes.Add($"the profile is {into} here");
        if (provider.Name == "claude") notes.Add("it is not renewed; moat grant claude imports a login that is");
        if (provider.Name == "github") notes.Add("stricter: over https alone; moat grant github --scope narrows it further");
        return string.Join("; ", notes);
    }

    private static ImmutableSortedDictionary<string, string> Metadata(string name, GoCredential from)
        => name == "claude" ? ImmutableSortedDictionary<string, string>.Empty.Add(ClaudeGrant.ScopesKey, from.Scopes is { IsEmpty: false } scopes ? string.Join(' ', scopes) : "user:inference")
            : ImmutableSortedDictionary<string, string>.Empty;

    private static DateTimeOffset? Known(DateTimeOffset? time) => time is { Year: > 1970 } ? time : null;
}
