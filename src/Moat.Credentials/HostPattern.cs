using System.Buffers;
using System.Globalization;
using System.Net;

namespace Moat.Credentials;

/// <summary>A host of a provider: <c>api.example.org</c>, <c>*.example.org</c>, an IP literal, each optionally with <c>:port</c>.</summary>
internal readonly record struct HostPattern(string Host, int? Port)
{
    private static readonly SearchValues<char> s_labelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    internal static bool Matches(string pattern, ReadOnlySpan<char> host)
        => pattern.StartsWith("*.", StringComparison.Ordinal)
            ? host.Length > pattern.Length - 1 && host.EndsWith(pattern.AsSpan(1), StringComparison.Ordinal)
            : host.SequenceEqual(pattern);

    internal static bool TryParse(string text, out HostPattern pattern, out string error)
    {
        pattern = default;
        error = $"\"{text}\" is not a host: write a lower-case name (api.example.org), *.name or an IP address, without https:// and path";
        if (text.Contains('/', StringComparison.Ordinal)) return false;
        if (!TrySplitPort(text, out var name, out var port))
        {
            error = $"\"{text}\" has a port that is not a number from 1 to 65535";
            return false;
        }
        if (IPAddress.TryParse(name, out var address))
        {
            // Only the canonical spelling, so that the gateway's comparison cannot be fooled by a second one.
            if (address.ToString() != name) return false;
        }
        else
        {
            var rest = name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name;
            var labels = rest.Split('.');
            if (rest.Length is 0 or > 253 || !Array.TrueForAll(labels, IsLabel)) return false;
            if (rest.Length != name.Length && labels.Length < 2)
            {
                error = $"\"{text}\" would send the credential to every site under .{rest}: name a domain under it";
                return false;
            }
            // A last label of digits is how a legacy IPv4 spelling (0x7f.1, 127.1) looks.
            if (char.IsAsciiDigit(labels[^1][0])) return false;
        }
        pattern = new HostPattern(name, port);
        error = "";
        return true;
    }

    private static bool IsLabel(string label)
        => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && !label.AsSpan().ContainsAnyExcept(s_labelCharacters);

    private static bool TrySplitPort(string text, out string name, out int? port)
    {
        (name, port) = (text, null);
        string digits;
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is > 0 and var end)
        {
            name = text[1..end];
            if (end == text.Length - 1) return true;
            if (text[end + 1] != ':') return false;
            digits = text[(end + 2)..];
        }
        else if (text.AsSpan().Count(':') == 1)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            (name, digits) = (text[..colon], text[(colon + 1)..]);
        }
        else
        {
            return true;
        }
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535) return false;
        port = number;
        return true;
    }
}
