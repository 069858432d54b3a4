using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The <c>gcloud</c> grant: Google Cloud by the person's application default credentials, a service account's key or a
/// login. Moat asks for the tokens on the host; key and refresh token stay in the vault.
/// </summary>
internal static class GcloudGrant
{
    private const string TokenUrl = "https://oauth2.googleapis.com/token", Scope = "https://www.googleapis.com/auth/cloud-platform", FileVariable = "GOOGLE_APPLICATION_CREDENTIALS";
    private const int MaxFile = 64 * 1024;

    internal static ProviderDefinition Provider() => new()
    {
        Name = "gcloud",
        Description = "Google Cloud (application default credentials)",
        Bindings = [new("*.googleapis.com", "Authorization", InjectionSlot.Header, "Bearer ")],
        // Where tokens and keys are given out that the agent would then hold.
        DeniedPaths = ["/token", "/v1/token", "/v1/projects/*/serviceAccounts/*", "/v1/projects/*/serviceAccounts/*/keys/**"],
        SourceEnv = [FileVariable],
        ContainerEnv = ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"],
        Placeholder = PlaceholderTemplate.Parse("ya29.{base64url:120}"),
        Find = FindAsync,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var path = sources.Variable(FileVariable)
            ?? Path.Combine(sources.Variable("CLOUDSDK_CONFIG") ?? Path.Combine(sources.Variable("HOME") ?? "/nonexistent", ".config/gcloud"), "application_default_credentials.json");
        if (new FileInfo(path) is not { Exists: true, Length: <= MaxFile }) throw new MoatException($"there are no application default credentials at {path}", $"gcloud auth application-default login, or set {FileVariable} to the key file of a service account");
        var (info, parts) = Read(path, await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false));
        return await MintedToken.MintAsync("gcloud", info, parts, path, sources, ct).ConfigureAwait(false);
    }

    private static (RefreshInfo, ImmutableSortedDictionary<string, Secret>) Read(string path, byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Bad(path);
            var parts = ImmutableSortedDictionary.Create<string, Secret>(StringComparer.Ordinal);
            switch (OAuthServer.Text(root, "type"))
            {
                case "service_account":
                    // A file may name any address; the key's statement goes to Google alone.
                    if (OAuthServer.Text(root, "token_uri") is not (null or TokenUrl or "https://accounts.google.com/o/oauth2/token")) throw new MoatException($"{path} names another token endpoint than Google's", $"it is to be {TokenUrl}");
                    return (new RefreshInfo(TokenUrl, Need("client_email")) { Kind = RefreshKind.Assertion, Scope = Scope, KeyId = OAuthServer.Text(root, "private_key_id") ?? "" },
                        parts.Add(RefreshInfo.RefreshPart, Key(path, Need("private_key"))));
                case "authorized_user":
                    return (new RefreshInfo(TokenUrl, Need("client_id")), parts.Add(RefreshInfo.RefreshPart, Secret.FromText(Need("refresh_token"))).Add(RefreshInfo.ClientSecretPart, Secret.FromText(Need("client_secret"))));
                default:
                    throw new MoatException($"{path} is neither a login nor the key of a service account", "of Google's other kinds of credentials (external_account, impersonated_service_account) there is no grant");
            }

            string Need(string name) => OAuthServer.Text(root, name) ?? throw Bad(path);
        }
        catch (JsonException)
        {
            // Not as an inner exception: a parser may quote what it read.
            throw Bad(path);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(json);
        }
    }

    private static Secret Key(string path, string pem)
    {
        if (!PemEncoding.TryFind(pem, out var fields) || pem[fields.Label] != "PRIVATE KEY") throw Bad(path);
        return Secret.FromText(string.Concat(pem[fields.Base64Data].Where(c => !char.IsWhiteSpace(c))));
    }

    private static MoatException Bad(string path) => new($"{path} holds no application default credentials", "gcloud auth application-default login");
}
