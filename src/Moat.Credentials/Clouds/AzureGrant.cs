using System.Collections.Immutable;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The <c>azure</c> grant: Azure Resource Manager by a service principal, whose tokens Moat asks for and renews, or by one
/// token of the person's own <c>az</c>, which lasts as long as it lasts.
/// </summary>
internal static class AzureGrant
{
    private const string Resource = "https://management.azure.com", Tenant = "AZURE_TENANT_ID", Client = "AZURE_CLIENT_ID", ClientSecret = "AZURE_CLIENT_SECRET";

    internal static ProviderDefinition Provider() => new()
    {
        Name = "azure",
        Description = "Azure Resource Manager",
        Bindings = [new("management.azure.com", "Authorization", InjectionSlot.Header, "Bearer ")],
        SourceEnv = [Tenant, Client, ClientSecret],
        ContainerEnv = ["AZURE_ACCESS_TOKEN"],
        Placeholder = PlaceholderTemplate.Default,
        Find = FindAsync,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        if (sources.Variable(ClientSecret) is { } secret)
        {
            if (sources.Variable(Tenant) is not { } tenant || sources.Variable(Client) is not { } client) throw new MoatException($"{ClientSecret} is set, and {Tenant} or {Client} is not", "set all three, or none for a token of `az`");
            if (tenant.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.'))) throw new MoatException($"{Tenant} is no tenant", "it is an id or a domain");
            var info = new RefreshInfo($"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token", client) { Kind = RefreshKind.ClientCredentials, Scope = $"{Resource}/.default" };
            return await MintedToken.MintAsync("azure", info, ImmutableSortedDictionary.Create<string, Secret>(StringComparer.Ordinal).Add(RefreshInfo.ClientSecretPart, Secret.FromText(secret)), $"the variable {ClientSecret}", sources, ct).ConfigureAwait(false);
        }
        using var printed = await sources.RunAsync(["az", "account", "get-access-token", "--resource", Resource, "--output", "json"], ct).ConfigureAwait(false)
            ?? throw new MoatException("no credential for azure was given", $"set {Tenant}, {Client} and {ClientSecret}, or log in with `az login`");
        try
        {
            using var document = JsonDocument.Parse(printed.Reveal().ToArray());
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && OAuthServer.Text(root, "accessToken") is { } token && root.TryGetProperty("expires_on", out var at) && at.TryGetInt64(out var seconds) && seconds is > 0 and < 253_402_300_799)
                return new GrantDraft(Secret.FromText(token), "`az account get-access-token`") { ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(seconds) };
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            // Not as an inner exception: a parser may quote what it read.
        }
        throw new MoatException("`az account get-access-token` printed no token", "bring az up to date, then `az login`");
    }
}
