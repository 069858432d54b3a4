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

    /// <summary>The value with the placeholder replaced where it is one of those; the same text when it is none.</summary>
    public static string Replace(string value, string placeholder, string secret)
    {
        if (!IsOrEndsWith(value, placeholder))
            return value;
        var at = value.LastIndexOf(placeholder, StringComparison.Ordinal);
        if (at >= 0)
            return string.Concat(value.AsSpan(0, at), secret, value.AsSpan(at + placeholder.Length));
        var pair = Encoding.Latin1.GetString(Convert.FromBase64String(value.Trim()[Basic.Length..].Trim()));
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        var (user, password) = (pair[..colon], pair[(colon + 1)..]);
        return Basic + Convert.ToBase64String(Encoding.Latin1.GetBytes($"{(user == placeholder ? secret : user)}:{(password == placeholder ? secret : password)}"));
    }

    private static bool IsOrEndsWith(ReadOnlySpan<char> value, ReadOnlySpan<char> placeholder)
    {
        value = value.Trim();
        if (value.EndsWith(placeholder, StringComparison.Ordinal))
            return value.Length == placeholder.Length || value[^(placeholder.Length + 1)] == ' ';
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
