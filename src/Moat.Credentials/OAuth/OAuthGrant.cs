using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The grants <c>oauth:NAME</c>, and <c>mcp:NAME</c> by login: a bearer token that an authorization server gave for one
/// resource, at its address and below, renewed by Moat. What a login needs is taken from flags, else from the person's
/// file, else from what the resource and its server say of themselves.
/// </summary>
internal static class OAuthGrant
{
    internal const string Prefix = "oauth:";
    private const int MaxScopes = 4096;

    /// <summary>The provider of a name of this family; null for any other name.</summary>
    internal static ProviderDefinition? Provider(string name)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name.Length == Prefix.Length || name.AsSpan(Prefix.Length).Contains(':') || !GrantNames.IsName(name)) return null;
        return new ProviderDefinition
        {
            Name = name,
            Description = $"OAuth login for {name[Prefix.Length..]}",
            Bindings = [],
            ContainerEnv = [$"OAUTH_{string.Concat(name[Prefix.Length..].Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_'))}_TOKEN"],
            Placeholder = PlaceholderTemplate.Default,
            Find = (sources, request, ct) => LogInAsync(name, sources, request, ct),
        };
    }

    /// <summary>True when the text says where a secret is, not what it is.</summary>
    internal static bool IsSource(string text) => text.Contains("://", StringComparison.Ordinal);

    /// <summary>Logs the person in.</summary>
    /// <exception cref="MoatException">Something that a login needs is not known, or it was refused.</exception>
    internal static async Task<GrantDraft> LogInAsync(string name, GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var ask = request.OAuth ?? throw new MoatException($"a login for {name} needs a person", $"run it in a terminal: moat grant oauth {Short(name)}");
        var file = OAuthFile.Read(ask.Folder, Short(name));
        var binding = Binding(name, request, file);
        var resource = new Uri(binding.Origin + binding.Path[..^InjectionBinding.AnyPath.Length]);
        var http = new OAuthHttp(sources.Handler);
        var server = await ServerAsync(ask, file, resource, http, ct).ConfigureAwait(false);
        var scopes = ask.Scopes ?? file.Scopes ?? "";
        if (scopes.Length > MaxScopes || scopes.Any(c => c is < ' ' or > '~' or '"' or '\\')) throw new MoatException("a scope holds a character that no scope has", "write --scopes \"read write\"");

        using var redirect = ask.UsesDevice ? null : LoopbackRedirect.Start();
        using var client = await ClientAsync(name, ask, file, server, http, redirect?.Address, scopes, sources, ct).ConfigureAwait(false);
        var info = new RefreshInfo(server.Token!.AbsoluteUri, client.Id) { UsesBasic = client.UsesBasic, Resource = server.Issuer is null ? "" : resource.AbsoluteUri };
        var tokens = new TokenEndpoint(sources.Handler);
        var answer = redirect is not null
            ? await new CodeFlow(tokens, server, ask).RunAsync(redirect, client, info, scopes, ct).ConfigureAwait(false)
            : await new DeviceFlow(http, tokens, ask, sources.Time).RunAsync(server.Device!, client, info, scopes, ct).ConfigureAwait(false);
        return Draft(answer, client, info, binding, sources.Time);
    }

    private static GrantDraft Draft(TokenAnswer answer, OAuthClient client, RefreshInfo info, InjectionBinding binding, TimeProvider time)
    {
        var parts = ImmutableSortedDictionary<string, Secret>.Empty;
        if (answer.Refresh is { } refresh) parts = parts.Add(RefreshInfo.RefreshPart, refresh);
        if (answer.Refresh is not null && client.Secret is { } secret) parts = parts.Add(RefreshInfo.ClientSecretPart, Secret.Copy(secret.Reveal()));
        return new GrantDraft(answer.Access, $"a login at {new Uri(info.TokenUrl).Host}")
        {
            Parts = parts,
            Bindings = [binding],
            // Without a lifetime nobody can tell when to renew.
            Refresh = answer.Refresh is not null && answer.Lifetime is not null ? info : null,
            ExpiresAt = time.GetUtcNow() + answer.Lifetime,
        };
    }

    private static string Short(string name) => name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..];

    private static InjectionBinding Binding(string name, GrantRequest request, OAuthFile file)
    {
        var server = McpGrant.Prefix + Short(name);
        var binding = (request.Url ?? file.Url) is { } url ? McpGrant.Binding(name, request with { Url = url }) : McpGrant.KnownBinding(server);
        // A login gives a bearer token, whatever header the server takes keys in.
        if (binding is not null) return binding with { Name = "Authorization", Argument = "Bearer " };
        throw new MoatException($"where the token of {name} goes, is not known", $"name the address that takes it: moat grant oauth {Short(name)} --url https://…");
    }

    private static async Task<OAuthServer> ServerAsync(OAuthRequest ask, OAuthFile file, Uri resource, OAuthHttp http, CancellationToken ct)
    {
        var (auth, token, device) = (ask.AuthUrl ?? file.AuthUrl, ask.TokenUrl ?? file.TokenUrl, ask.DeviceUrl ?? file.DeviceUrl);
        // All or nothing: one endpoint of a person's own beside another that a server names would be two servers in one login.
        var server = (auth ?? token ?? device) is null
            ? await new OAuthDiscovery(http).FindAsync(resource, ct).ConfigureAwait(false)
            : new OAuthServer
            {
                Authorization = auth is null ? null : OAuthHttp.Endpoint(auth, "--auth-url"),
                Token = token is null ? null : OAuthHttp.Endpoint(token, "--token-url"),
                Device = device is null ? null : OAuthHttp.Endpoint(device, "--device-url"),
            };
        if (server.Token is null) throw Lacking("a token endpoint", "--token-url");
        if (ask.UsesDevice && server.Device is null) throw Lacking("an endpoint for devices", "--device-url");
        if (!ask.UsesDevice && server.Authorization is null) throw Lacking("an authorization endpoint", "--auth-url");
        return server;

        MoatException Lacking(string what, string flag) => new($"the login has no {what[(what.IndexOf(' ', StringComparison.Ordinal) + 1)..]}", $"name it: {flag} https://…");
    }

    private static async Task<OAuthClient> ClientAsync(string name, OAuthRequest ask, OAuthFile file, OAuthServer server, OAuthHttp http, Uri? redirect, string scopes, GrantSources sources, CancellationToken ct)
    {
        if ((ask.ClientId ?? file.ClientId) is { } id)
        {
            if (id.Length == 0 || id.Any(c => c is < '!' or > '~')) throw new MoatException("the client's id holds a character that no id has", "check --client-id");
            return new OAuthClient(id, await SecretAsync(name, ask, file, sources, ct).ConfigureAwait(false), server.WantsBasic);
        }
        return server.Registration is { } endpoint
            ? await ClientRegistration.RegisterAsync(http, endpoint, redirect, scopes, ct).ConfigureAwait(false)
            : throw new MoatException($"the server registers no clients by itself, and none is named for {name}", "make one there by hand (redirect address http://127.0.0.1/callback, any port), then name it: --client-id");
    }

    private static async Task<Secret?> SecretAsync(string name, OAuthRequest ask, OAuthFile file, GrantSources sources, CancellationToken ct)
    {
        if (ask.ClientSecret is { } flag && !IsSource(flag)) throw new MoatException("--client-secret takes where the secret is, not the secret, which everyone on this machine could read in the list of processes", "write --client-secret env://NAME, file:///path, cmd://command or op://…");
        if ((ask.ClientSecret ?? file.ClientSecret) is not { } text) return null;
        return IsSource(text) ? await new SecretSources(sources.Environment).ReadAsync(new SecretSpec($"client_secret of {name}", text), ct).ConfigureAwait(false) : Secret.FromText(text);
    }
}
