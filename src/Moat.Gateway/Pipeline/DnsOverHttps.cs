using Microsoft.AspNetCore.Http;
using Moat.Policy;

namespace Moat.Gateway.Pipeline;

/// <summary>
/// Name resolution inside HTTPS (RFC 8484, and the JSON form of the same services). To the policy it is a request like any
/// other, but where only a wildcard or the permissive default lets it pass, nobody meant to open a resolver that the
/// gateway cannot look into: such a request needs a rule that names its host.
/// </summary>
internal static class DnsOverHttps
{
    private const string PathWord = "dns-query";

    private static readonly string[] MediaTypes = ["application/dns-message", "application/dns-json", "application/oblivious-dns-message"];

    public static Refusal? Check(HttpRequest request, string target, in CanonicalHost host, NetworkPolicy policy) =>
        policy.Names(host) || !IsQuery(request, target)
            ? null
            : new Refusal(403, DenialKind.Policy, "DNS over HTTPS needs a rule that names the host", "the request asks a resolver that no rule names", $"moat run --allow-host {host.Value}");

    private static bool IsQuery(HttpRequest request, string target)
    {
        foreach (var type in MediaTypes)
        {
            if (Mentions(request.Headers.ContentType, type) || Mentions(request.Headers.Accept, type))
                return true;
        }
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target : target[..query];
        return path.Contains(PathWord, StringComparison.OrdinalIgnoreCase)
            || (path.Contains('%', StringComparison.Ordinal) && Uri.UnescapeDataString(path).Contains(PathWord, StringComparison.OrdinalIgnoreCase));
    }

    private static bool Mentions(Microsoft.Extensions.Primitives.StringValues values, string type)
    {
        foreach (var value in values)
        {
            if (value is not null && value.Contains(type, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
