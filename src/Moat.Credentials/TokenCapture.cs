using System.Collections.Immutable;

namespace Moat.Credentials;

/// <summary>
/// An endpoint over TLS whose answers hold tokens (RFC 6749 §5.1, and registries' <c>token</c>). The gateway keeps them and
/// gives the sandbox placeholders: the access token's is of use at <paramref name="Hosts"/>, the refresh token's at this
/// endpoint.
/// </summary>
/// <param name="Host">Canonical host.</param>
/// <param name="Path">As <see cref="InjectionBinding.Path"/>.</param>
/// <param name="Hosts">Canonical hosts, or <c>*.suffix</c>, each optionally with <c>:port</c>, whose requests may carry the access token in a header.</param>
/// <param name="Port">Null means 443.</param>
public sealed record TokenCapture(string Host, string Path, ImmutableArray<string> Hosts, int? Port = null)
{
    /// <summary>The places that the token of an answer may go to; none for a token that says who somebody is.</summary>
    public ImmutableArray<InjectionBinding> BindingsOf(CapturedKind kind) => kind switch
    {
        CapturedKind.Access => [.. Hosts.Select(text => HostPattern.TryParse(text, out var host, out var problem)
            ? new InjectionBinding(host.Host, "", InjectionSlot.AnyHeader, "", host.Port) : throw new FormatException(problem))],
        CapturedKind.Refresh =>
        [
            new InjectionBinding(Host, "refresh_token", InjectionSlot.FormField, "", Port) { Path = Path },
            new InjectionBinding(Host, "refresh_token", InjectionSlot.JsonField, "", Port) { Path = Path },
        ],
        _ => [],
    };
}

/// <summary>What a captured token is.</summary>
public enum CapturedKind
{
    Access,
    Refresh,

    /// <summary>OpenID Connect's: says who somebody is.</summary>
    Identity,
}
