using System.Globalization;
using System.Text.Json;

namespace Moat.Credentials;

/// <summary>A token by a program of the host (<c>client.authentication.k8s.io</c>, kind ExecCredential): run here, never in a sandbox.</summary>
internal static class ExecCredential
{
    internal const string Group = "client.authentication.k8s.io/";
    private const string InfoVariable = "KUBERNETES_EXEC_INFO";

    /// <exception cref="TokenRefusedException">It printed no token.</exception>
    internal static async Task<TokenAnswer> RunAsync(RefreshInfo info, GrantSources sources, CancellationToken ct)
    {
        var variables = info.Variables.SetItem(InfoVariable, $$"""{"kind":"ExecCredential","apiVersion":"{{info.Scope}}","spec":{"interactive":false} }""");
        using var printed = await sources.RunAsync(info.Command, ct, variables: variables).ConfigureAwait(false) ?? throw Failed(info, "printed nothing, failed, or is not installed");
        try
        {
            using var document = JsonDocument.Parse(printed.Reveal().ToArray());
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Object)
            {
                if (OAuthServer.Text(status, "token") is not { } token) throw Failed(info, "printed a client certificate and no token");
                var lifetime = OAuthServer.Text(status, "expirationTimestamp") is { } text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? end - sources.Time.GetUtcNow() : (TimeSpan?)null;
                if (lifetime <= TimeSpan.Zero) throw Failed(info, "printed a token that has expired");
                return new TokenAnswer(Secret.FromText(token), null, lifetime);
            }
        }
        catch (JsonException)
        {
            // What is no JSON is told like what has no token; a parser may quote what it read.
        }
        throw Failed(info, "printed no token");
    }

    private static TokenRefusedException Failed(RefreshInfo info, string what) => new($"{GrantNames.Printable(Path.GetFileName(info.Command[0]))} {what}", isFinal: false);
}
