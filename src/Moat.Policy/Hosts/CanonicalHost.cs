using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Moat.Policy;

/// <summary>
/// The one form of a host that policy, injection and dialling use: a lower-case name of A-labels without a trailing dot
/// (RFC 1123, RFC 5891), or an IP literal in its canonical spelling (RFC 5952), every IPv4 spelling that a resolver
/// would accept (<c>127.1</c>, <c>0x7f000001</c>, <c>017700000001</c>) included. Two spellings of one host are equal.
/// </summary>
public readonly record struct CanonicalHost
{
    private const int MaxName = 253;
    private const int MaxLabel = 63;
    private static readonly IdnMapping Idn = new() { AllowUnassigned = false, UseStd3AsciiRules = false };

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private CanonicalHost(string value, IPAddress? address)
    {
        Value = value;
        Address = address;
    }

    /// <summary>The canonical text; an IPv6 literal stands without brackets.</summary>
    public string Value { get; }

    /// <summary>The address when the host is a literal, otherwise null.</summary>
    public IPAddress? Address { get; }

    public bool IsIp => Address is not null;

    public static CanonicalHost FromAddress(IPAddress address)
    {
        if (address.ScopeId() != 0) address = new IPAddress(address.GetAddressBytes());
        return new CanonicalHost(address.ToString(), address);
    }

    /// <param name="text">A host alone: no port, no userinfo, an IPv6 literal with or without brackets.</param>
    /// <param name="host">The canonical host; <c>default</c> when refused.</param>
    /// <param name="error">Why it was refused; free of control characters.</param>
    public static bool TryParse(ReadOnlySpan<char> text, out CanonicalHost host, out string error)
    {
        host = default;
        error = "";
        if (text.IsEmpty) return Refuse("the host is empty", out error);
        if (text[0] == '[' || text.Contains(':')) return TryParseV6(text, out host, out error);
        if (IsPlain(text, out var lower))
        {
            if (lower && LooksLikeName(text)) return TryFinish(text.ToString(), out host, out error);
        }
        else
        {
            foreach (var c in text)
            {
                if (c <= ' ' || c == 0x7f) return Refuse("the host holds a space or a control character", out error);
                if (c is '@') return Refuse("the host holds a user name", out error);
                if (c is '%' or '/' or '\\' or '?' or '#' or '<' or '>' or '^' or '|' or '"' or '`' or '{' or '}' or '*' or ',' or ';' or '!' or '$' or '&' or '\'' or '(' or ')' or '+' or '=' or '~' or ']')
                    return Refuse("the host holds a character that no host name has", out error);
            }
        }

        var name = text.ToString();
        if (!IsAscii(name))
        {
            try
            {
                name = Idn.GetAscii(name);
            }
            catch (ArgumentException)
            {
                return Refuse("the host is not a valid international name", out error);
            }

            if (!IsPlain(name, out _)) return Refuse("the host is not a valid international name", out error);
        }

        return TryFinish(name.ToLowerInvariant(), out host, out error);
    }

    public override string ToString() => Value;

    private static bool TryFinish(string name, out CanonicalHost host, out string error)
    {
        host = default;
        error = "";
        if (name.EndsWith('.')) name = name[..^1];
        if (name.Length is 0 or > MaxName) return Refuse("the host is empty or longer than 253 characters", out error);
        var start = 0;
        while (true)
        {
            var dot = name.IndexOf('.', start);
            var length = (dot < 0 ? name.Length : dot) - start;
            if (length is 0 or > MaxLabel) return Refuse("the host has an empty label or one longer than 63 characters", out error);
            if (name[start] == '-' || name[start + length - 1] == '-') return Refuse("a label of the host begins or ends with a hyphen", out error);
            if (dot < 0) break;
            start = dot + 1;
        }

        // A name whose last label is numeric is an address to every resolver, so it is one here or nothing (WHATWG URL, "ends in a number").
        if (char.IsAsciiDigit(name[start]) && IsNumeric(name.AsSpan(start)))
        {
            if (!TryParseV4(name, out var v4)) return Refuse("the host looks like an IPv4 address and is none", out error);
            host = new CanonicalHost(v4.ToString(), v4);
            return true;
        }

        host = new CanonicalHost(name, null);
        return true;
    }

    /// <summary>IPv4 as inet_aton reads it: one to four parts, each decimal, octal (0…) or hexadecimal (0x…), the last filling what is left.</summary>
    private static bool TryParseV4(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        Span<ulong> parts = stackalloc ulong[4];
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            if (count == 4 || !TryNumber(text[range], out parts[count++])) return false;
        }

        ulong value = parts[count - 1];
        if (value >= 1UL << (8 * (5 - count))) return false;
        for (var i = 0; i < count - 1; i++)
        {
            if (parts[i] > 255) return false;
            value |= parts[i] << (8 * (3 - i));
        }

        Span<byte> bytes = [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
        address = new IPAddress(bytes);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> part, out ulong value)
    {
        value = 0;
        if (part.IsEmpty) return false;
        var radix = 10u;
        if (part.Length > 1 && part[0] == '0')
        {
            radix = part[1] is 'x' or 'X' ? 16u : 8u;
            part = part[(radix == 16 ? 2 : 1)..];
        }

        foreach (var c in part)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
            var digit = (uint)(char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
            if (digit >= radix) return false;
            value = (value * radix) + digit;
            if (value > uint.MaxValue) return false;
        }

        return true;
    }

    private static bool TryParseV6(ReadOnlySpan<char> text, out CanonicalHost host, out string error)
    {
        host = default;
        error = "";
        if (text[0] == '[')
        {
            if (text[^1] != ']') return Refuse("the IPv6 literal has no closing bracket", out error);
            text = text[1..^1];
        }

        if (text.Contains('%')) return Refuse("an IPv6 zone is refused: it names an interface of one machine", out error);
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c) && c is not (':' or '.')) return Refuse("the host is neither a name nor an IP address", out error);
        }

        if (!IPAddress.TryParse(text, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            return Refuse("the host is neither a name nor an IP address", out error);
        host = new CanonicalHost(address.ToString(), address);
        return true;
    }

    private static bool IsPlain(ReadOnlySpan<char> text, out bool lower)
    {
        lower = true;
        foreach (var c in text)
        {
            if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_') continue;
            if (!char.IsAsciiLetterUpper(c)) return false;
            lower = false;
        }

        return true;
    }

    private static bool LooksLikeName(ReadOnlySpan<char> text) => text[^1] != '.';

    private static bool IsAscii(string text) => System.Text.Ascii.IsValid(text);

    private static bool IsNumeric(ReadOnlySpan<char> label)
    {
        if (label.Length > 1 && label[0] == '0' && label[1] is 'x' or 'X') return label[2..].IndexOfAnyExcept(HexDigits) < 0;
        return label.IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static bool Refuse(string why, out string error)
    {
        error = why;
        return false;
    }
}

internal static class AddressScope
{
    /// <summary>The zone of an IPv6 address, 0 for none and for IPv4.</summary>
    public static long ScopeId(this IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? address.ScopeId : 0;
}
