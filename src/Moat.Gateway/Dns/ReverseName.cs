using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Moat.Gateway.Dns;

/// <summary>The names of reverse lookups: RFC 1035 §3.5 and RFC 3596 §2.5.</summary>
internal static class ReverseName
{
    internal static bool TryParse(string name, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        var labels = name.Split('.');
        Span<byte> bytes = stackalloc byte[16];
        if (labels.Length == 6 && name.EndsWith(".in-addr.arpa", StringComparison.Ordinal))
        {
            for (var i = 0; i < 4; i++)
                if (!byte.TryParse(labels[i], NumberStyles.None, CultureInfo.InvariantCulture, out bytes[3 - i])) return false;
            address = new IPAddress(bytes[..4]);
            return true;
        }
        if (labels.Length != 34 || !name.EndsWith(".ip6.arpa", StringComparison.Ordinal)) return false;
        for (var i = 0; i < 16; i++)
            if (labels[2 * i].Length != 1 || labels[2 * i + 1].Length != 1
                || !byte.TryParse(labels[2 * i + 1] + labels[2 * i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[15 - i])) return false;
        address = new IPAddress(bytes);
        return true;
    }
}
