using System.Collections.Immutable;
using Moat.Credentials;

namespace Moat.Gateway.Identity;

/// <summary>
/// The one identity of a request, and everything that hangs on it alone. Policy, injection, certificate check and
/// dialling all use this value; it is made once for a connection and a spelling of the host.
/// </summary>
/// <param name="Spelling">The Host or <c>:authority</c> value this was made from.</param>
/// <param name="Prefix">Scheme and authority of the upstream URI, without a path.</param>
/// <param name="Injections">What grants write into requests to this destination; empty for plain HTTP, always.</param>
internal sealed record Destination(string Spelling, Authority Authority, string Scheme, string Prefix, ImmutableArray<Injection> Injections)
{
    /// <summary>The grants whose credentials go along, for the record; empty without one.</summary>
    public string GrantNames { get; } = string.Join(", ", Injections.Select(injection => injection.Grant.Name).Distinct(StringComparer.Ordinal));

    public static Destination Create(string spelling, in Authority authority, bool tls, IReadOnlyList<UnlockedGrant> grants)
    {
        var scheme = tls ? "https" : "http";
        return new Destination(
            spelling, authority, scheme, $"{scheme}://{authority.ToUriAuthority(tls ? 443 : 80)}", tls ? Find(authority, grants) : []);
    }

    private static ImmutableArray<Injection> Find(in Authority authority, IReadOnlyList<UnlockedGrant> grants)
    {
        var found = ImmutableArray.CreateBuilder<Injection>();
        foreach (var grant in grants)
        {
            for (var i = 0; i < grant.Bindings.Length; i++)
            {
                if (grant.Bindings[i].Matches(authority.Host.Value, authority.Port))
                    found.Add(new Injection(grant, i));
            }
        }
        return found.ToImmutable();
    }
}

/// <summary>One credential's place in requests to a destination.</summary>
internal readonly record struct Injection(UnlockedGrant Grant, int Index)
{
    public InjectionBinding Binding => Grant.Bindings[Index];
}
