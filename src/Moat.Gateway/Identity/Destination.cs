using Moat.Gateway.Injections;

namespace Moat.Gateway.Identity;

/// <summary>
/// The one identity of a request, and everything that hangs on it alone. Policy, injection, certificate check and
/// dialling all use this value; it is made once for a connection and a spelling of the host.
/// </summary>
/// <param name="Spelling">The Host or <c>:authority</c> value this was made from.</param>
/// <param name="Prefix">Scheme and authority of the upstream URI, without a path.</param>
/// <param name="Plan">What grants may write into requests to this destination.</param>
/// <param name="Version">The table's when the plan was made.</param>
internal sealed record Destination(string Spelling, Authority Authority, string Scheme, string Prefix, InjectionPlan Plan, int Version)
{
    public static Destination Create(string spelling, in Authority authority, bool tls, InjectionTable grants)
    {
        // Read before the plan: a token that comes in between makes the plan once more, never once too few.
        var version = grants.Version;
        var scheme = tls ? "https" : "http";
        return new Destination(spelling, authority, scheme, $"{scheme}://{authority.ToUriAuthority(tls ? 443 : 80)}", grants.PlanFor(authority, tls), version);
    }
}
