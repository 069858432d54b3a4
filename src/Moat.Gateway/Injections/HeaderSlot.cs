using System.Text;
using Microsoft.Extensions.Primitives;

namespace Moat.Gateway.Injections;

/// <summary>How a client writes a placeholder into a header: alone, behind a scheme, or as a side of HTTP Basic.</summary>
internal static class HeaderSlot
{
    private const string Basic = "Basic ";

    public static bool Holds(StringValues values, string placeholder)
    {
        foreach (var value in values)
        {
            if (IsOrEndsWith(value, placeholder))
                return true;
        }
        return false;
    }

    private static bool IsOrEndsWith(ReadOnlySpan<char> value, ReadOnlySpan<char> placeholder)
    {
        value = value.Trim();
        if (value.EndsWith(placeholder, StringComparison.Ordinal))
            return value.Length == placeholder.Length || value[^(placeholder.Length + 1)] is ' ' or '=' or '"';
        if (!value.StartsWith(Basic, StringComparison.OrdinalIgnoreCase))
            return false;
        Span<byte> decoded = stackalloc byte[1024];
        // RFC 7617: user, colon, password; the user holds no colon.
        if (!Convert.TryFromBase64Chars(value[Basic.Length..].Trim(), decoded, out var length))
            return false;
        decoded = decoded[..length];
        var colon = decoded.IndexOf((byte)':');
        return colon >= 0 && (Ascii.Equals(decoded[..colon], placeholder) || Ascii.Equals(decoded[(colon + 1)..], placeholder));
    }
}
