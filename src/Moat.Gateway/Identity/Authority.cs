using System.Globalization;
using System.Net.Sockets;
using Moat.Policy;

namespace Moat.Gateway.Identity;

/// <summary>
/// A host and a port as HTTP writes them (RFC 9110 §7.2, RFC 3986 §3.2 without userinfo), in canonical form. Every
/// place that names a destination is parsed here, so that two of them agree exactly when these values are equal.
/// </summary>
internal readonly record struct Authority(CanonicalHost Host, int Port)
{
    // A DNS name has at most 253 characters; with brackets, a root dot and a port nothing legal is longer.
    private const int MaxLength = 270;

    /// <param name="text"><c>host</c>, <c>host:port</c> or <c>[v6]:port</c>.</param>
    /// <param name="defaultPort">Port where the text has none; 0 when the port is required.</param>
    /// <param name="error">For a person; never holds the text itself.</param>
    public static bool TryParse(ReadOnlySpan<char> text, int defaultPort, out Authority authority, out string error)
    {
        authority = default;
        if (text.IsEmpty || text.Length > MaxLength)
        {
            error = text.IsEmpty ? "the host is missing" : "the host is too long";
            return false;
        }
        if (text.ContainsAny('@', '/', '\\') || text.ContainsAny('?', '#', '%'))
        {
            error = "the host holds a character that no host has";
            return false;
        }

        var bracketed = text[0] == '[';
        ReadOnlySpan<char> host, rest;
        if (bracketed)
        {
            var end = text.IndexOf(']');
            if (end < 0)
            {
                error = "the IPv6 address lacks its closing bracket";
                return false;
            }
            host = text[1..end];
            rest = text[(end + 1)..];
        }
        else
        {
            var colon = text.IndexOf(':');
            host = colon < 0 ? text : text[..colon];
            rest = colon < 0 ? default : text[colon..];
        }

        if (!TryParsePort(rest, defaultPort, out var port))
        {
            error = rest.IsEmpty ? "the port is missing" : "the port is not a number from 1 to 65535";
            return false;
        }
        if (!CanonicalHost.TryParse(host, out var canonical, out error))
            return false;
        if (bracketed != (canonical.IsIp && canonical.Address!.AddressFamily == AddressFamily.InterNetworkV6))
        {
            error = "brackets go around an IPv6 address and nothing else";
            return false;
        }
        authority = new Authority(canonical, port);
        return true;
    }

    /// <summary>The form that goes into a URI: brackets around IPv6, the port only where it is not the scheme's.</summary>
    public string ToUriAuthority(int schemePort)
    {
        var host = Host.IsIp && Host.Address!.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{Host.Value}]" : Host.Value;
        return Port == schemePort ? host : string.Create(CultureInfo.InvariantCulture, $"{host}:{Port}");
    }

    private static bool TryParsePort(ReadOnlySpan<char> rest, int defaultPort, out int port)
    {
        port = defaultPort;
        if (rest.IsEmpty)
            return defaultPort != 0;
        var digits = rest[1..];
        return rest[0] == ':' && digits.Length is > 0 and <= 5
            && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;
    }
}
