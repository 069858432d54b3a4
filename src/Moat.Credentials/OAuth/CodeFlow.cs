using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>
/// The authorization code flow of a native application (RFC 6749 §4.1, RFC 7636, RFC 8252):
/// <code>
///   (1) state, verifier ─► (2) browser ─► server ─► (3) 127.0.0.1: state ours? ─► (4) issuer ours (RFC 9207)?
///       ─► (5) code and verifier for tokens
/// </code>
/// </summary>
internal sealed class CodeFlow(TokenEndpoint tokens, OAuthServer server, OAuthRequest request)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <exception cref="MoatException">The person, or the server, said no; or nobody answered.</exception>
    internal async Task<TokenAnswer> RunAsync(LoopbackRedirect redirect, OAuthClient client, RefreshInfo info, string scopes, CancellationToken ct)
    {
        // 1
        var (state, verifier) = (Pkce.NewText(), Pkce.NewText());
        var address = Address(server.Authorization!, redirect.Address, client.Id, scopes, state, verifier, info.Resource);

        // 2
        request.Tell($"Log in with your browser: {address.AbsoluteUri}");
        if (request.OpenBrowser?.Invoke(address) == true) request.Tell("It was opened in your browser; this waits for the answer.");

        // 3
        ImmutableDictionary<string, string> answer;
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(ct))
        {
            patience.CancelAfter(s_patience);
            try
            {
                answer = await redirect.WaitAsync(state, patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                throw new MoatException($"no browser brought an answer within {s_patience.TotalMinutes:0} minutes", "run it again; without a browser on this machine: --device");
            }
        }
        // One answer, and nobody is listened to any more.
        redirect.Dispose();

        // 4
        CheckIssuer(answer);
        if (answer.TryGetValue("error", out var error)) throw Refused(error);
        if (answer.GetValueOrDefault("code") is not { Length: > 0 } code) throw new MoatException("the authorization server answered without a code", "run it again");

        // 5
        try
        {
            return await tokens.AskAsync(info, [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect.Address.OriginalString), ("code_verifier", verifier)], client.Secret, ct).ConfigureAwait(false);
        }
        catch (TokenRefusedException refused)
        {
            throw new MoatException($"the login was not completed: {(refused.Code.Length > 0 ? $"the token endpoint refused the code ({refused.Code})" : refused.Message)}", "run it again");
        }
    }

    private void CheckIssuer(ImmutableDictionary<string, string> answer)
    {
        var issuer = answer.GetValueOrDefault("iss");
        if (issuer is null ? server.NamesIssuer : server.Issuer is not null && issuer != server.Issuer)
            throw new MoatException("the answer is not of the authorization server that was asked", "nothing was stored; somebody may be mixing up two servers, so check where the login page was");
    }

    private static MoatException Refused(string error) => error switch
    {
        "access_denied" => new MoatException("the login was refused there", "run it again and agree, or ask who runs the server"),
        "invalid_scope" => new MoatException("the authorization server does not know the scopes (invalid_scope)", "check --scopes"),
        "unauthorized_client" or "invalid_request" or "unsupported_response_type" => new MoatException($"the authorization server does not take this client ({error})", "check --client-id, and that http://127.0.0.1/callback with any port is among its redirect addresses"),
        _ => new MoatException("the authorization server answered with an error", "try again later"),
    };

    private static Uri Address(Uri endpoint, Uri redirect, string client, string scopes, string state, string verifier, string resource)
    {
        List<(string Name, string Value)> query =
        [
            ("response_type", "code"), ("client_id", client), ("redirect_uri", redirect.OriginalString),
            ("code_challenge", Pkce.Challenge(verifier)), ("code_challenge_method", "S256"), ("state", state),
        ];
        if (scopes.Length > 0) query.Add(("scope", scopes));
        if (resource.Length > 0) query.Add(("resource", resource));
        var text = string.Join('&', query.Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value)}"));
        return new UriBuilder(endpoint) { Query = endpoint.Query.Length > 1 ? $"{endpoint.Query[1..]}&{text}" : text }.Uri;
    }
}
