using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The <c>claude</c> grant: a Claude subscription. The token comes from <c>claude setup-token</c> (a variable, or pasted) or
/// from the login of the person's own Claude Code; of a login the refresh token is kept too, and Moat renews it.
/// </summary>
internal static class ClaudeGrant
{
    internal const string ScopesKey = "claude.scopes";
    private const string Host = "api.anthropic.com", SubscriptionKey = "claude.subscription";

    // The public client of Claude Code, which the person's own login was given to. Its endpoint turns some networks away;
    // the API's own host answers the same request.
    private static readonly RefreshInfo s_refresh = new("https://platform.claude.com/v1/oauth/token", "9d1c250a-e61b-44d9-88ed-5944d1962f5e", IsJson: true) { FallbackUrl = $"https://{Host}/v1/oauth/token" };

    internal static ProviderDefinition Provider() => new()
    {
        Name = "claude",
        Description = "Claude subscription (Claude Code's login)",
        Bindings = [new(Host, "Authorization", InjectionSlot.Header, "Bearer ")],
        // A login may make API keys, and an endpoint for tokens has no business with an agent that holds none.
        DeniedPaths = ["/api/oauth/claude_cli/create_api_key", "/v1/oauth/**"],
        // A key of the agent's own beside the login would be somebody else's account.
        RemoveHeaders = ["x-api-key"],
        ExtraHeaders = [new("anthropic-beta", "oauth-2025-04-20")],
        SourceEnv = ["CLAUDE_CODE_OAUTH_TOKEN"],
        Validation = new($"https://{Host}/v1/models?limit=1", "GET", "Authorization", "Bearer ", [new("anthropic-version", "2023-06-01"), new("anthropic-beta", "oauth-2025-04-20")]),
        Prompt = "Claude token (`claude setup-token` on this machine prints one)",
        Placeholder = PlaceholderTemplate.Parse("sk-ant-oat01-{base64url:93}AA"),
        Find = FindAsync,
        WriteFiles = Files,
    };

    private static async Task<GrantDraft> FindAsync(GrantSources sources, GrantRequest request, CancellationToken ct)
    {
        var folder = sources.Variable("CLAUDE_CONFIG_DIR") ?? Path.Combine(sources.Variable("HOME") ?? "/nonexistent", ".claude");
        var login = Path.Combine(folder, ".credentials.json");
        if (sources.Variable("CLAUDE_CODE_OAUTH_TOKEN") is null && File.Exists(login)) return Import(login, await File.ReadAllBytesAsync(login, ct).ConfigureAwait(false));
        var (token, source) = await sources.FindAsync(Provider(), request.Prompt, ct).ConfigureAwait(false);
        return new GrantDraft(token, source) { Metadata = ImmutableSortedDictionary<string, string>.Empty.Add(ScopesKey, "user:inference") };
    }

    private static GrantDraft Import(string path, byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("claudeAiOauth", out var login) && Text(login, "accessToken") is { Length: > 0 } access)
            {
                var parts = ImmutableSortedDictionary<string, Secret>.Empty;
                var refresh = Text(login, "refreshToken");
                if (refresh.Length > 0) parts = parts.Add(RefreshInfo.RefreshPart, Secret.FromText(refresh));
                return new GrantDraft(Secret.FromText(access), path)
                {
                    Parts = parts,
                    Refresh = refresh.Length > 0 ? s_refresh : null,
                    ExpiresAt = login.TryGetProperty("expiresAt", out var at) && at.TryGetInt64(out var milliseconds) && milliseconds is > 0 and < 253_402_300_799_000 ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null,
                    Metadata = ImmutableSortedDictionary<string, string>.Empty
                        .Add(ScopesKey, login.TryGetProperty("scopes", out var scopes) && scopes.ValueKind == JsonValueKind.Array ? string.Join(' ', scopes.EnumerateArray().Where(scope => scope.ValueKind == JsonValueKind.String).Select(scope => scope.GetString())) : "user:inference")
                        .Add(SubscriptionKey, Text(login, "subscriptionType")),
                };
            }
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            // Not as an inner exception: a parser may quote what it read.
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(json);
        }
        throw new MoatException($"{path} holds no login of Claude Code", "log in there (`claude`, then /login), or set CLAUDE_CODE_OAUTH_TOKEN to what `claude setup-token` prints");
    }

    /// <summary>Claude Code's own file, with placeholders. It never expires there: inside, nobody can renew it.</summary>
    private static ImmutableArray<GrantFile> Files(StoredCredential credential, IReadOnlyDictionary<string, string> placeholders)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("claudeAiOauth"u8);
            json.WriteString("accessToken"u8, placeholders[""]);
            json.WriteString("refreshToken"u8, placeholders.GetValueOrDefault(RefreshInfo.RefreshPart, ""));
            json.WriteNumber("expiresAt"u8, new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds());
            json.WriteStartArray("scopes"u8);
            foreach (var scope in credential.Metadata.GetValueOrDefault(ScopesKey, "").Split(' ', StringSplitOptions.RemoveEmptyEntries)) json.WriteStringValue(scope);
            json.WriteEndArray();
            if (credential.Metadata.GetValueOrDefault(SubscriptionKey) is { Length: > 0 } subscription) json.WriteString("subscriptionType"u8, subscription);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return [new GrantFile(".claude/.credentials.json", Encoding.UTF8.GetString(buffer.ToArray()))];
    }

    private static string Text(JsonElement login, string name) => login.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
