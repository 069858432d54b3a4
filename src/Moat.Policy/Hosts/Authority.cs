using System.Globalization;

namespace Moat.Policy;

/// <summary>Host and port as they stand in CONNECT, <c>Host</c> and <c>:authority</c> (RFC 9110 section 7.2).</summary>
public readonly record struct Authority(CanonicalHost Host, int Port)
{
    /// <param name="text">The text: <c>host</c>, <c>host:port</c>, <c>[v6]</c> or <c>[v6]:port</c>.</param>
    /// <param name="defaultPort">The port where none is written; 0 makes a written one a must.</param>
    /// <param name="authority">What was read.</param>
    /// <param name="error">Why it was refused.</param>
    public static bool TryParse(ReadOnlySpan<char> text, int defaultPort, out Authority authority, out string error)
    {
        authority = default;
        var colon = text.LastIndexOf(':');
        var bracket = text.LastIndexOf(']');
        var host = text;
        var port = defaultPort;
        if (colon > bracket && (bracket >= 0 || text.IndexOf(':') == colon))
        {
            host = text[..colon];
            var digits = text[(colon + 1)..];
            if (digits.Length is 0 or > 5 || digits.IndexOfAnyExceptInRange('0', '9') >= 0
                || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > 65535)
            {
                error = "the port is not a number from 1 to 65535";
                return false;
            }
        }
        else if (bracket < 0 && colon >= 0)
        {
            error = "an IPv6 literal needs brackets here";
            return false;
        }

        if (port == 0)
        {
            error = "the port is missing";
            return false;
        }

        if (!CanonicalHost.TryParse(host, out var canonical, out error)) return false;
        authority = new Authority(canonical, port);
        return true;
    }
}
