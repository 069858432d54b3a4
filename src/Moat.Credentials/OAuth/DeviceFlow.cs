using System.Text;
using System.Text.Json;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>The device authorization grant (RFC 8628): the person types a code on any device, and this asks until they did.</summary>
internal sealed class DeviceFlow(OAuthHttp http, TokenEndpoint tokens, OAuthRequest request, TimeProvider time)
{
    internal const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";
    private const int MaxCode = 4096, MaxUserCode = 64;

    // §3.5: what a server that names none wants, and how much slower it is to go when it says so.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5), s_longestInterval = TimeSpan.FromMinutes(1), s_longestLife = TimeSpan.FromMinutes(30);

    /// <exception cref="MoatException">The person, or the server, said no; or the code ran out.</exception>
    internal async Task<TokenAnswer> RunAsync(Uri endpoint, OAuthClient client, RefreshInfo info, string scopes, CancellationToken ct)
    {
        var form = $"client_id={Uri.EscapeDataString(client.Id)}" + (scopes.Length > 0 ? $"&scope={Uri.EscapeDataString(scopes)}" : "") + (info.Resource.Length > 0 ? $"&resource={Uri.EscapeDataString(info.Resource)}" : "");
        using var document = await http.PostAsync(endpoint, Encoding.ASCII.GetBytes(form), "application/x-www-form-urlencoded", ct).ConfigureAwait(false)
            ?? throw new MoatException($"{endpoint.Host} gave no code for the device", "log in with a browser of this machine: leave --device out");
        var answer = document.RootElement;
        var code = OAuthServer.Text(answer, "device_code") is { Length: <= MaxCode } device ? device : throw NoCode(endpoint);
        var user = OAuthServer.Text(answer, "user_code") is { Length: <= MaxUserCode } typed && typed.All(c => c is >= ' ' and <= '~') ? typed : throw NoCode(endpoint);
        var page = OAuthHttp.Endpoint(OAuthServer.Text(answer, "verification_uri") ?? throw NoCode(endpoint), "the page for the code");
        var life = Seconds(answer, "expires_in") is { } lasts && lasts < s_longestLife ? lasts : s_longestLife;
        request.Tell($"Open {page.AbsoluteUri} on any device and type the code {user}");
        return await PollAsync(code, Seconds(answer, "interval") ?? s_interval, time.GetUtcNow() + life, client, info, ct).ConfigureAwait(false);
    }

    private async Task<TokenAnswer> PollAsync(string code, TimeSpan interval, DateTimeOffset end, OAuthClient client, RefreshInfo info, CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(interval, time, ct).ConfigureAwait(false);
            if (time.GetUtcNow() >= end) throw new MoatException("the code ran out before it was typed", "run it again for a new one");
            try
            {
                return await tokens.AskAsync(info, [("grant_type", GrantType), ("device_code", code)], client.Secret, ct).ConfigureAwait(false);
            }
            catch (TokenRefusedException refused)
            {
                switch (refused.Code)
                {
                    case "authorization_pending":
                        break;
                    case "slow_down":
                        interval = Slower(interval);
                        break;
                    case "access_denied":
                        throw new MoatException("the login was refused there", "run it again and agree");
                    case "expired_token":
                        throw new MoatException("the code ran out before it was typed", "run it again for a new one");
                    case "" when !refused.IsFinal:
                        // §3.5: a server that cannot be reached is asked less often.
                        interval = Slower(interval);
                        break;
                    default:
                        throw new MoatException($"the authorization server ended the login ({refused.Code})", "check --client-id and --scopes, then run it again");
                }
            }
        }
    }

    private static TimeSpan Slower(TimeSpan interval) => interval + s_interval < s_longestInterval ? interval + s_interval : s_longestInterval;

    private static TimeSpan? Seconds(JsonElement answer, string name)
        => answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var seconds) && seconds is > 0 and <= 24 * 3600 ? TimeSpan.FromSeconds(seconds) : null;

    private static MoatException NoCode(Uri endpoint) => new($"{endpoint.Host} answered without a code and a page to type it at", "log in with a browser of this machine: leave --device out");
}
