using System.Collections.Immutable;
using Moat.Spec;

namespace Moat.Credentials;

/// <summary>A grant whose token Moat asks for itself, when it is granted and whenever it is renewed. That it is given is the proof that the secret behind it works.</summary>
internal static class MintedToken
{
    /// <param name="name">The grant.</param>
    /// <param name="info">How the token is asked for.</param>
    /// <param name="parts">What it is asked for with; taken over.</param>
    /// <param name="source">Where those came from.</param>
    /// <param name="sources">Network and clock.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="MoatException">No token was given.</exception>
    internal static async Task<GrantDraft> MintAsync(string name, RefreshInfo info, ImmutableSortedDictionary<string, Secret> parts, string source, GrantSources sources, CancellationToken ct)
    {
        try
        {
            var answer = await new TokenEndpoint(sources.Handler).RefreshAsync(info, parts.GetValueOrDefault(RefreshInfo.RefreshPart), parts.GetValueOrDefault(RefreshInfo.ClientSecretPart), ct).ConfigureAwait(false);
            if (answer.Lifetime is null)
            {
                answer.Dispose();
                throw new TokenRefusedException("the token endpoint did not say how long its token lives", isFinal: false);
            }
            if (answer.Refresh is { } next)
            {
                parts[RefreshInfo.RefreshPart].Dispose();
                parts = parts.SetItem(RefreshInfo.RefreshPart, next);
            }
            return new GrantDraft(answer.Access, source) { Parts = parts, Refresh = info, ExpiresAt = sources.Time.GetUtcNow() + answer.Lifetime };
        }
        catch (TokenRefusedException refused)
        {
            foreach (var part in parts.Values) part.Dispose();
            throw new MoatException($"no token was given for {name}: {refused.Message}", $"check what {source} holds, and the network");
        }
    }
}
