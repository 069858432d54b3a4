using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// Finds the authorization server of a resource:
/// <code>
///   (1) resource: WWW-Authenticate resource_metadata, else /.well-known/oauth-protected-resource (RFC 9728)
///       ─► (2) its first authorization server, else the resource's own origin ─► (3) that one's metadata (RFC 8414)
/// </code>
/// What a document says of itself has to be what was asked for: the resource in (1) covers the address, the issuer in (3)
/// is the one of (2), to the letter. Otherwise a server could pass off another's endpoints as its own.
/// </summary>
internal sealed class OAuthDiscovery(OAuthHttp http)
{
    private const string Resource = "/.well-known/oauth-protected-resource", Server = "/.well-known/oauth-authorization-server", OpenId = "/.well-known/openid-configuration";

    /// <exception cref="MoatException">No server is found, or what it says does not fit.</exception>
    internal async Task<OAuthServer> FindAsync(Uri resource, CancellationToken ct)
    {
        var issuer = await IssuerAsync(resource, ct).ConfigureAwait(false) ?? resource.GetLeftPart(UriPartial.Authority);
        var url = OAuthHttp.Endpoint(issuer, "the authorization server");
        var path = url.AbsolutePath.TrimEnd('/');
        foreach (var place in new[] { Server + path, OpenId + path, path + OpenId }.Distinct(StringComparer.Ordinal))
        {
            using var document = await http.GetAsync(new Uri(url, place), ct).ConfigureAwait(false);
            if (document is not null) return Read(document.RootElement, issuer);
        }
        throw new MoatException($"{url.Host} says nothing of itself as an authorization server", "name its endpoints: --auth-url https://… --token-url https://… --client-id …");
    }

    private async Task<string?> IssuerAsync(Uri resource, CancellationToken ct)
    {
        var places = new List<Uri>();
        if (await http.ChallengeAsync(resource, ct).ConfigureAwait(false) is { } challenge && challenge.Parameters.TryGetValue("resource_metadata", out var named))
        {
            var url = OAuthHttp.Endpoint(named, "the resource's metadata");
            if (!SameOrigin(url, resource)) throw new MoatException($"{resource.Host} refers to {url.Host} for what it is itself", "name the endpoints: --auth-url https://… --token-url https://… --client-id …");
            places.Add(url);
        }
        places.Add(new Uri(resource, Resource + resource.AbsolutePath.TrimEnd('/')));
        places.Add(new Uri(resource, Resource));
        foreach (var place in places.Distinct())
        {
            using var document = await http.GetAsync(place, ct).ConfigureAwait(false);
            if (document is null) continue;
            var metadata = document.RootElement;
            if (OAuthServer.Text(metadata, "resource") is not { } claimed || !Covers(claimed, resource)) throw new MoatException($"{resource.Host} describes another resource than {resource}", "check --url");
            if (metadata.TryGetProperty("authorization_servers", out var servers) && servers.ValueKind == JsonValueKind.Array && servers.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.String } first) return first.GetString();
        }
        return null;
    }

    private static OAuthServer Read(JsonElement metadata, string issuer)
    {
        if (OAuthServer.Text(metadata, "issuer") != issuer) throw new MoatException($"{GrantNames.Printable(issuer)} gave the description of another issuer", "ask who runs the server; somebody may be passing off one server as another");
        if (!OAuthServer.Lists(metadata, "code_challenge_methods_supported", "S256")) throw new MoatException($"{GrantNames.Printable(issuer)} does not take S256 (RFC 7636), without which a stolen code could be used", "name its endpoints yourself if you know that it does: --auth-url, --token-url, --client-id");
        return new OAuthServer
        {
            Issuer = issuer,
            Authorization = Url("authorization_endpoint"),
            Token = Url("token_endpoint"),
            Device = Url("device_authorization_endpoint"),
            Registration = Url("registration_endpoint"),
            NamesIssuer = metadata.TryGetProperty("authorization_response_iss_parameter_supported", out var names) && names.ValueKind == JsonValueKind.True,
            WantsBasic = metadata.TryGetProperty("token_endpoint_auth_methods_supported", out _)
                && OAuthServer.Lists(metadata, "token_endpoint_auth_methods_supported", "client_secret_basic") && !OAuthServer.Lists(metadata, "token_endpoint_auth_methods_supported", "client_secret_post"),
        };

        Uri? Url(string name) => OAuthServer.Text(metadata, name) is { } text ? OAuthHttp.Endpoint(text, name) : null;
    }

    private static bool SameOrigin(Uri one, Uri other) => Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>True when the address is the resource or below it.</summary>
    private static bool Covers(string claimed, Uri resource)
        => Uri.TryCreate(claimed, UriKind.Absolute, out var url) && SameOrigin(url, resource)
            && (resource.AbsolutePath.TrimEnd('/') + "/").StartsWith(url.AbsolutePath.TrimEnd('/') + "/", StringComparison.Ordinal);
}
