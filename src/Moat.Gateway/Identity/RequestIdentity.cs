using Microsoft.AspNetCore.Http;
using Moat.Gateway.Doors;
using Moat.Gateway.Injections;
using Moat.Gateway.Pipeline;

namespace Moat.Gateway.Identity;

/// <summary>
/// Brings together everything in a request that names where it goes: the door (CONNECT target, SNI, address), the
/// Host or <c>:authority</c>, the target's own authority and the scheme. They agree, or the request is refused; asked
/// for each request, so for each HTTP/2 stream too.
/// </summary>
internal sealed class RequestIdentity(InjectionTable grants)
{
    /// <param name="target">Path and query, exactly as they will go upstream; starts with a slash.</param>
    public Refusal? Identify(HttpContext context, string rawTarget, DoorConnection door, out Destination destination, out string target)
    {
        destination = null!;
        target = rawTarget;
        Authority? absolute = null;
        if (!rawTarget.StartsWith('/'))
        {
            if (TakeAbsolute(rawTarget, door, out absolute, out target) is { } refusal)
                return refusal;
        }
        else if (door.Kind == DoorKind.Proxy)
        {
            return Refusal.ByProtocol("this is a proxy: the request target must be absolute");
        }

        var spelling = context.Request.Headers.Host.ToString();
        if (absolute is null && door.Latest is { } latest && latest.Version == grants.Version && string.Equals(latest.Spelling, spelling, StringComparison.Ordinal))
        {
            destination = latest;
            return null;
        }

        // Some clients leave the port out of Host; then the connection's counts.
        var defaultPort = door.Port != 0 ? door.Port : 80;
        Authority authority;
        if (spelling.Length == 0)
        {
            // HTTP/1.0 has no Host; the door may know.
            if (door.Host is not { } known)
                return Refusal.ByProtocol("the request names no host");
            authority = new Authority(known, door.Port);
        }
        else if (!Authority.TryParse(spelling, defaultPort, out authority, out var error))
        {
            return Refusal.ByProtocol($"the request's host is not valid: {error}");
        }

        if (absolute is { } named && named != authority)
            return Refusal.ByProtocol("the request target and the Host header name two hosts");
        if (door.Host is { } expected && expected != authority.Host)
            return Refusal.ByIdentity($"the request is for {authority.Host.Value}, the connection for {expected.Value}");
        if (door.Port != 0 && door.Port != authority.Port)
            return Refusal.ByIdentity($"the request is for port {authority.Port}, the connection for port {door.Port}");

        destination = Destination.Create(spelling, authority, door.Tls, grants);
        if (!Uri.TryCreate(destination.Prefix, UriKind.Absolute, out _))
            return Refusal.ByProtocol("the request's host fits no URI");
        door.Latest = destination;
        return null;
    }

    /// <summary>An absolute form (RFC 9112 §3.2.2) into its authority and its path.</summary>
    private static Refusal? TakeAbsolute(string rawTarget, DoorConnection door, out Authority? authority, out string target)
    {
        const string scheme = "http://";
        (authority, target) = (null, rawTarget);
        if (door.Tls || !rawTarget.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Refusal.ByProtocol(door.Kind == DoorKind.Proxy && rawTarget.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
                ? "https goes through the proxy by CONNECT" : "the request target is neither a path nor an http URI");
        }
        var rest = rawTarget.AsSpan(scheme.Length);
        var end = rest.IndexOfAny('/', '?');
        if (!Authority.TryParse(end < 0 ? rest : rest[..end], 80, out var parsed, out var error))
            return Refusal.ByProtocol($"the request target's host is not valid: {error}");
        authority = parsed;
        target = end < 0 ? "/" : rest[end] == '?' ? $"/{rest[end..]}" : rest[end..].ToString();
        return null;
    }
}
