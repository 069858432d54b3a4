using System.Collections.Immutable;
using System.Globalization;
using Moat.Credentials.Ssh;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The logic of <c>moat grant</c> and <c>moat revoke</c>.</summary>
public sealed class GrantService
{
    private const int MinLength = 8, MaxLength = 16 * 1024;
    private readonly Vault _vault;
    private readonly ProviderCatalog _catalog;
    private readonly GrantSources _sources;
    private readonly GrantValidator _validator;
    private readonly HttpMessageHandler? _handler;
    private readonly TimeProvider _time;

    /// <param name="vault">The vault of the profile.</param>
    /// <param name="catalog">The providers.</param>
    /// <param name="handler">Null: the system's network. A test hands its own in; it is not disposed.</param>
    /// <param name="environment">Null: this process' environment.</param>
    /// <param name="time">Null: the system's clock.</param>
    public GrantService(Vault vault, ProviderCatalog catalog, HttpMessageHandler? handler = null, Func<string, string?>? environment = null, TimeProvider? time = null)
    {
        (_vault, _catalog, _handler, _time) = (vault, catalog, handler, time ?? TimeProvider.System);
        _sources = new GrantSources(environment ?? Environment.GetEnvironmentVariable, handler, _time);
        _validator = new GrantValidator(handler);
    }

    /// <summary>
    /// Takes the credential from the environment, else from the provider's host program, else from the prompt; asks the
    /// provider whether it works; stores it.
    /// </summary>
    /// <exception cref="MoatException">No credential, not one, refused by the provider, or the vault failed. No text holds the credential.</exception>
    public async Task<GrantInfo> GrantAsync(GrantRequest request, CancellationToken ct = default)
    {
        request = DatabaseGrant.Named(SshGrant.Named(request));
        var provider = _catalog.Get(request.Name);
        if (request.Database is { IsEmpty: false } && DatabaseGrant.Split(provider.Name) is null)
            throw new MoatException($"the grant {provider.Name} is for no database", "leave --host, --port, --user, --database, --sslmode and --ca out; they are for postgres, mysql and redis");
        if (DatabaseGrant.Split(provider.Name) is not null && request.Scope.Length > 0)
            throw new MoatException($"the grant {provider.Name} has no requests that a scope could name", "leave --scope out; what the login may do is its role's business");
        // Read now, so that a mistake is told before anything is asked for.
        _ = GrantScope.Parse(provider, request.Scope);
        if ((request.Url ?? request.Header) is not null && !provider.Name.StartsWith(McpGrant.Prefix, StringComparison.Ordinal) && !provider.Name.StartsWith(OAuthGrant.Prefix, StringComparison.Ordinal))
            throw new MoatException($"the grant {provider.Name} has its own places", "leave --url and --header out; they are for mcp:NAME and oauth:NAME");
        if (request.Registry is not null && provider.Name != DockerGrant.Name) throw new MoatException($"the grant {provider.Name} has no registry", $"moat grant {provider.Name}");
        if (request.KubeContext is not null && provider.Name != KubeGrant.Name) throw new MoatException($"the grant {provider.Name} has no context", $"moat grant {provider.Name}");
        if (request.LogsIn && !provider.Name.StartsWith(McpGrant.Prefix, StringComparison.Ordinal) && !provider.Name.StartsWith(OAuthGrant.Prefix, StringComparison.Ordinal))
            throw new MoatException($"the grant {provider.Name} has no login of this kind", $"moat grant {provider.Name}");
        if (request.Aws is { IsEmpty: false } && provider.Name != AwsGrant.Name)
            throw new MoatException($"the grant {provider.Name} has no role, region or profile of AWS", "leave --role, --region, --external-id, --session-duration and --aws-profile out; they are for aws");
        if (request.ExpiresAt <= _time.GetUtcNow()) throw new MoatException("the expiry is in the past", "give a later time");
        using var draft = provider.Find is { } find ? await find(_sources, request, ct).ConfigureAwait(false) : await FindAsync(provider, request, ct).ConfigureAwait(false);
        var bindings = draft.Bindings.IsEmpty ? provider.Bindings : draft.Bindings;
        foreach (var secret in draft.Parts.Values.Prepend(draft.Token)) CheckShape(provider.Name, bindings, secret, draft.Source);
        var credential = Credential(provider.Name, request, draft);
        if (RefreshInfo.DueAt(credential, 1) <= _time.GetUtcNow()) return await RenewAsync(credential, ct).ConfigureAwait(false);
        if (!request.NoValidate)
        {
            await ValidateAsync(provider, credential, draft.Source, ct).ConfigureAwait(false);
        }
        _vault.Put(credential);
        return Describe(provider.Name, credential);
    }

    /// <summary>True when the provider was asked and takes the credential; false when it cannot be asked.</summary>
    private async Task<bool> ValidateAsync(ProviderDefinition provider, StoredCredential credential, string source, CancellationToken ct)
    {
        if (provider.Prove is { } prove)
        {
            try
            {
                await prove(credential, _handler, _time, ct).ConfigureAwait(false);
            }
            catch (TokenRefusedException refused)
            {
                throw new MoatException($"the {provider.Name} credential from {source} was not proved: {refused.Message}", $"make a new one and grant again; `moat grant {provider.Name} --no-validate` stores it unchecked");
            }
            return true;
        }
        if (provider.Checks?.Invoke(credential) is { } checks)
        {
            foreach (var (validation, secret) in checks)
            {
                using (secret) await _validator.ValidateAsync(provider.Name, validation, secret, source, ct).ConfigureAwait(false);
            }
            return true;
        }
        if (provider.Validation is not { } own) return false;
        await _validator.ValidateAsync(provider.Name, own, credential.Token, source, ct).ConfigureAwait(false);
        return true;
    }

    private StoredCredential Credential(string name, GrantRequest request, GrantDraft draft) => new()
    {
        Provider = name,
        Token = draft.Token,
        Parts = draft.Parts,
        Bindings = draft.Bindings,
        Captures = draft.Captures,
        Trust = draft.Trust,
        Refresh = draft.Refresh,
        Allow = request.Scope,
        ExpiresAt = request.ExpiresAt ?? draft.ExpiresAt,
        CreatedAt = _time.GetUtcNow(),
        Metadata = draft.Metadata.SetItem("source", draft.Source),
    };

    /// <summary>For what is about to expire: that it can be renewed is the proof that it works.</summary>
    private async Task<GrantInfo> RenewAsync(StoredCredential credential, CancellationToken ct)
    {
        _vault.Put(credential);
        try
        {
            await new Refresher(_vault, _handler, _time).RefreshAsync(credential.Provider, 1, ct).ConfigureAwait(false);
        }
        catch (TokenRefusedException refused)
        {
            _vault.Remove(credential.Provider);
            throw new MoatException($"the {credential.Provider} credential has run out and cannot be renewed: {refused.Message}", "log in anew where it came from, then grant again");
        }
        using var renewed = _vault.Get(credential.Provider) ?? throw NotStored(credential.Provider);
        return Describe(credential.Provider, renewed);
    }

    private async Task<GrantDraft> FindAsync(ProviderDefinition provider, GrantRequest request, CancellationToken ct)
    {
        var (token, source) = await _sources.FindAsync(provider, request.Prompt, ct).ConfigureAwait(false);
        return new GrantDraft(token, source);
    }

    /// <summary>All stored grants of the profile. One that does not open is listed with its problem.</summary>
    public ImmutableArray<GrantInfo> List() => [.. _vault.List().Select(Info)];

    /// <summary>Asks each provider whether it takes the stored credential, after renewing what is due. No text holds a secret.</summary>
    /// <param name="names">Grants; empty: all of the profile.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="MoatException">A named grant has no provider.</exception>
    public async Task<ImmutableArray<GrantCheck>> CheckAsync(IReadOnlyCollection<string> names, CancellationToken ct = default)
    {
        var checks = ImmutableArray.CreateBuilder<GrantCheck>();
        foreach (var name in names.Count == 0 ? _vault.List() : [.. names.Select(name => _catalog.Get(name).Name).Distinct(StringComparer.Ordinal)]) checks.Add(await CheckAsync(name, ct).ConfigureAwait(false));
        return checks.ToImmutable();
    }

    private async Task<GrantCheck> CheckAsync(string name, CancellationToken ct)
    {
        try
        {
            if (_catalog.Find(name) is not { } provider) return new GrantCheck(name, GrantHealth.Bad, "there is no such provider any more", null);
            await new Refresher(_vault, _handler, _time).RefreshAsync(name, 1, ct).ConfigureAwait(false);
            using var credential = _vault.Get(name) ?? throw NotStored(name);
            if (Describe(name, credential).Problem is { } problem) return new GrantCheck(name, GrantHealth.Bad, problem, credential.ExpiresAt);
            var wasAsked = await ValidateAsync(provider, credential, "the vault", ct).ConfigureAwait(false);
            return new GrantCheck(name, wasAsked ? GrantHealth.Good : GrantHealth.Unknown, wasAsked ? "" : "its provider offers no way to ask", credential.ExpiresAt) { IsRenewed = credential.Refresh is not null };
        }
        catch (Exception ex) when (ex is MoatException or TokenRefusedException)
        {
            return new GrantCheck(name, GrantHealth.Bad, ex.Message, null);
        }
    }

    /// <exception cref="MoatException">The grant is not stored, or does not open.</exception>
    public GrantDetails Show(string name)
    {
        var provider = _catalog.Get(name);
        using var credential = _vault.Get(provider.Name) ?? throw NotStored(provider.Name);
        var bindings = credential.Bindings.IsEmpty ? provider.Bindings : credential.Bindings;
        return new GrantDetails(Describe(provider.Name, credential), bindings, provider.ExtraHosts, provider.ContainerEnv, SshGrant.HostOf(name) is null ? Mask(provider, credential.Token) : SshGrant.Describe(credential)) { Scope = credential.Allow, Database = DatabaseTarget.Of(credential) };
    }

    /// <summary>Removes the grant. A running run that uses it denies within a second. Works also for a provider that is no more.</summary>
    /// <exception cref="MoatException">The grant is not stored.</exception>
    public void Revoke(string name)
    {
        if (!_vault.Remove(_catalog.Find(name)?.Name ?? name)) throw NotStored(name);
    }

    private GrantInfo Info(string name)
    {
        try
        {
            using var credential = _vault.Get(name);
            if (credential is not null) return Describe(name, credential);
        }
        catch (MoatException ex)
        {
            return new GrantInfo(name, _vault.Profile, null, null, "", [], HostsOf(name), ex.Message);
        }
        return new GrantInfo(name, _vault.Profile, null, null, "", [], HostsOf(name), "it was removed meanwhile");
    }

    private GrantInfo Describe(string name, StoredCredential credential)
        => new(name, _vault.Profile, credential.CreatedAt, credential.ExpiresAt, credential.Metadata.GetValueOrDefault("source", ""), credential.Scopes,
            DatabaseTarget.Of(credential) is { } database ? [string.Create(CultureInfo.InvariantCulture, $"{database.Host}:{database.Port}")] : credential.Bindings.IsEmpty ? HostsOf(name) : HostsOf(credential.Bindings),
            credential.Revoked ?? (credential.ExpiresAt <= _time.GetUtcNow() ? "it expired" : _catalog.Find(name) is null ? "there is no such provider any more" : null));

    private ImmutableArray<string> HostsOf(string name)
        => SshGrant.HostOf(name) is { } host ? [$"{host}:{SshGrant.Port}"] : _catalog.Find(name) is { } provider ? HostsOf(provider.Bindings) : [];

    private static ImmutableArray<string> HostsOf(ImmutableArray<InjectionBinding> bindings)
        => [.. bindings.Select(binding => binding.Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"{binding.Host}:{port}") : binding.Host).Distinct(StringComparer.Ordinal)];

    internal static void CheckShape(string name, ImmutableArray<InjectionBinding> bindings, Secret token, string source)
    {
        var bytes = token.Reveal();
        var problem = bytes.Length < MinLength ? $"is shorter than {MinLength} characters"
            : bytes.Length > MaxLength ? $"is longer than {MaxLength} characters"
            : bytes.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? "holds a space, a line break or a character beyond ASCII"
            : Goes(InjectionSlot.Path) && bytes.ContainsAny("/?#%\\"u8) ? "holds a character that ends or escapes a path segment"
            : Goes(InjectionSlot.Cookie) && bytes.ContainsAny(";,\"\\"u8) ? "holds a character that ends a cookie"
            : Goes(InjectionSlot.BasicUser) && bytes.Contains((byte)':') ? "holds a colon, which ends the user of HTTP Basic"
            : null;
        if (problem is not null) throw new MoatException($"the {name} credential from {source} {problem}", "check what was copied, then grant again");

        bool Goes(InjectionSlot slot) => bindings.Any(binding => binding.Slot == slot);
    }

    private static string Mask(ProviderDefinition provider, Secret token)
    {
        var prefix = provider.Placeholder.LiteralPrefix;
        var known = prefix.Length > 0 && token.Reveal().StartsWith(System.Text.Encoding.ASCII.GetBytes(prefix));
        return string.Create(CultureInfo.InvariantCulture, $"{(known ? prefix : "")}… ({token.Length} characters)");
    }

    private MoatException NotStored(string name)
        => new($"the grant {GrantNames.Printable(name)} is not stored{(_vault.Profile.Length > 0 ? $" in the profile {_vault.Profile}" : "")}", "run `moat grant list` for what is");
}
