using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Moat.Configuration;

/// <summary>
/// Hosts as people write them in rules: <c>host</c>, <c>*.host</c>, <c>*.*.host</c> (a label more), <c>*</c> (every public
/// host), an IP literal, each with an optional port.
/// </summary>
internal static class HostText
{
    /// <summary>Splits and checks <c>host[:port]</c>. The host comes out lower case, an IPv6 literal without brackets.</summary>
    public static bool TryParse(string text, bool wildcard, out string host, out int? port, out string problem)
    {
        (host, port, problem) = ("", null, "");
        if (text.Contains("://", StringComparison.Ordinal)) problem = "a host is written without a scheme (https://)";
        else if (text.Contains('@', StringComparison.Ordinal)) problem = "a host has no user or password";
        else if (text.Contains('/', StringComparison.Ordinal)) problem = "a host has no path; paths go into the rule's list (\"allow GET /path/**\")";
        if (problem.Length > 0) return false;

        var name = text;
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is var end and > 0)
        {
            name = text[1..end];
            if (!name.Contains(':', StringComparison.Ordinal) || !Rest(text[(end + 1)..], out port))
            {
                problem = "an IPv6 address is written [address] or [address]:port";
                return false;
            }
        }
        else if (text.Count(c => c == ':') == 1)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            name = text[..colon];
            if (!Rest(text[colon..], out port))
            {
                problem = "the port is not a number from 1 to 65535";
                return false;
            }
        }
        return Name(name, wildcard, out host, out problem);
    }

    /// <summary>Checks <c>address[:port]</c> and writes it the one way (<c>[v6]:port</c>).</summary>
    public static bool TryParseAddress(string text, out string address)
    {
        address = "";
        if (!TryParse(text, false, out var host, out var port, out _) || !IPAddress.TryParse(host, out var ip)) return false;
        address = port is null ? ip.ToString() : new IPEndPoint(ip, port.Value).ToString();
        return true;
    }

    public static bool TryParsePort(string text, out int port)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;

    private static bool Rest(string text, out int? port)
    {
        port = null;
        if (text.Length == 0) return true;
        if (text[0] != ':' || !TryParsePort(text[1..], out var number)) return false;
        port = number;
        return true;
    }

    private static bool Name(string text, bool wildcard, out string host, out string problem)
    {
        (host, problem) = ("", "");
        if (text.Contains(':', StringComparison.Ordinal))
        {
            if (!IPAddress.TryParse(text, out var v6) || v6.AddressFamily != AddressFamily.InterNetworkV6 || v6.ScopeId != 0 || text.Contains('%', StringComparison.Ordinal))
                problem = "this is not an IPv6 address";
            else host = v6.ToString();
            return problem.Length == 0;
        }
        var name = text.ToLowerInvariant();
        if (name.EndsWith('.')) name = name[..^1];
        var bare = name;
        while (bare.StartsWith("*.", StringComparison.Ordinal)) bare = bare[2..];
        var star = bare.Length < name.Length || bare == "*";
        var labels = bare.Split('.');
        if (star && !wildcard) problem = "a wildcard cannot stand here";
        else if (bare == "*") return Found(name, out host);
        else if (name.Length is 0 or > 253 || labels.Any(l => l.Length is 0 or > 63)) problem = "a host has labels of 1 to 63 characters with dots between";
        else if (name.Any(c => c > 127)) problem = "a host outside ASCII is written in its xn-- form";
        else if (labels.Any(l => l.Contains('*', StringComparison.Ordinal))) problem = "a wildcard stands at the front only: *.example.org";
        else if (!labels.All(l => l.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && l[0] != '-' && l[^1] != '-')) problem = "a host has letters, digits, - and dots";
        else if (labels[^1].All(char.IsAsciiDigit) || labels[^1].StartsWith("0x", StringComparison.Ordinal))
        {
            // A numeric last label makes it an address; only the one common spelling is taken, so that no parser reads another.
            if (star || !IPAddress.TryParse(name, out var v4) || v4.ToString() != name) problem = "this is not an IPv4 address in its usual form";
        }
        return problem.Length == 0 && Found(name, out host);
    }

    private static bool Found(string name, out string host)
    {
        host = name;
        return true;
    }
}
