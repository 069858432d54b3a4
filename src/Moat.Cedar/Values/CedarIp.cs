using System.Globalization;
using System.Net;

namespace Moat.Cedar;

/// <summary>
/// An IPv4 or IPv6 address, or a range of them: an address with the length of its prefix. Equal when both are written alike,
/// so that <c>10.0.0.1/8</c> and <c>10.0.0.0/8</c> differ. An IPv4 address inside IPv6 is an IPv6 address.
/// </summary>
public sealed class CedarIp : IEquatable<CedarIp>
{
    private const int LongestText = 43;
    private readonly UInt128 address;

    private CedarIp(UInt128 address, bool isIpv6, int prefixLength)
    {
        this.address = address;
        IsIpv6 = isIpv6;
        PrefixLength = prefixLength;
    }

    /// <summary>Whether it is of IPv6.</summary>
    public bool IsIpv6 { get; }

    /// <summary>The length of the prefix in bits: up to 32 for IPv4, up to 128 for IPv6; the greatest for a single address.</summary>
    public int PrefixLength { get; }

    /// <summary>Whether the whole range lies in 127.0.0.0/8, or it is ::1.</summary>
    public bool IsLoopback => IsIpv6 ? address == 1 && PrefixLength == 128 : (uint)(address >> 24) == 127 && PrefixLength >= 8;

    /// <summary>Whether the whole range lies in 224.0.0.0/4 or ff00::/8.</summary>
    public bool IsMulticast => IsIpv6 ? (uint)(address >> 120) == 0xFF && PrefixLength >= 8 : (uint)(address >> 28) == 0xE && PrefixLength >= 4;

    /// <summary>A range, or an address when the prefix is as long as it can be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The prefix is longer than the address, or negative.</exception>
    public static CedarIp Create(IPAddress address, int? prefixLength = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        var longest = written * 8;
        var prefix = prefixLength ?? longest;
        ArgumentOutOfRangeException.ThrowIfNegative(prefix, nameof(prefixLength));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefix, longest, nameof(prefixLength));
        UInt128 number = 0;
        foreach (var b in bytes[..written]) number = (number << 8) | b;
        return new CedarIp(number, written == 16, prefix);
    }

    /// <summary>Reads the argument of <c>ip(…)</c>: an address or a range, without leading zeros, zones or IPv4 inside IPv6.</summary>
    /// <returns>Null when it is neither.</returns>
    public static CedarIp? Parse(ReadOnlySpan<char> text)
    {
        if (text.Length > LongestText) return null;
        var slash = text.IndexOf('/');
        var name = slash < 0 ? text : text[..slash];
        var isIpv6 = name.Contains(':');
        UInt128 address;
        if (isIpv6 ? !TryReadIpv6(name, out address) : !TryReadIpv4(name, out address)) return null;
        var prefix = isIpv6 ? 128 : 32;
        if (slash >= 0 && !TryReadPrefix(text[(slash + 1)..], prefix, out prefix)) return null;
        return new CedarIp(address, isIpv6, prefix);
    }

    /// <summary>Whether the whole range lies in the other; never across IPv4 and IPv6.</summary>
    public bool IsInRange(CedarIp other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (IsIpv6 != other.IsIpv6 || PrefixLength < other.PrefixLength) return false;
        var host = (IsIpv6 ? 128 : 32) - other.PrefixLength;
        return host >= 128 || (address >> host) == (other.address >> host);
    }

    /// <inheritdoc/>
    public bool Equals(CedarIp? other) =>
        other is not null && address == other.address && IsIpv6 == other.IsIpv6 && PrefixLength == other.PrefixLength;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CedarIp);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(address, IsIpv6, PrefixLength);

    /// <summary>The address in its shortest form (RFC 5952) and, unless it is a single address, the prefix's length.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[IsIpv6 ? 16 : 4];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(address >> ((bytes.Length - 1 - i) * 8));
        var longest = bytes.Length * 8;

        // The runtime writes ::ffff:1.2.3.4, which ip(…) refuses; such an address is written in groups.
        var text = new IPAddress(bytes).ToString();
        if (IsIpv6 && text.Contains('.')) text = Groups();
        return PrefixLength == longest ? text : string.Create(CultureInfo.InvariantCulture, $"{text}/{PrefixLength}");
    }

    private string Groups()
    {
        var groups = new string[8];
        for (var i = 0; i < 8; i++) groups[i] = ((ushort)(address >> ((7 - i) * 16))).ToString("x", CultureInfo.InvariantCulture);
        return string.Join(':', groups);
    }

    private static bool TryReadPrefix(ReadOnlySpan<char> text, int longest, out int prefix)
    {
        prefix = 0;
        if (text.IsEmpty || text.Length > (longest == 32 ? 2 : 3) || (text[0] == '0' && text.Length > 1)) return false;
        foreach (var digit in text)
        {
            if (!char.IsAsciiDigit(digit)) return false;
            prefix = prefix * 10 + digit - '0';
        }

        return prefix <= longest;
    }

    private static bool TryReadIpv4(ReadOnlySpan<char> text, out UInt128 address)
    {
        uint number = 0;
        var parts = 0;
        address = 0;
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            if (++parts > 4 || part.Length is 0 or > 3 || (part[0] == '0' && part.Length > 1)) return false;
            uint value = 0;
            foreach (var digit in part)
            {
                if (!char.IsAsciiDigit(digit)) return false;
                value = value * 10 + digit - '0';
            }

            if (value > 255) return false;
            number = (number << 8) | value;
        }

        address = number;
        return parts == 4;
    }

    // Eight groups, or fewer around one "::", which stands for at least one group of zeros.
    private static bool TryReadIpv6(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = 0;
        var gap = text.IndexOf("::");
        if (gap < 0) return TryReadGroups(text, out address, out var all) && all == 8;
        if (!TryReadGroups(text[..gap], out var head, out var before) || !TryReadGroups(text[(gap + 2)..], out var tail, out var after)) return false;
        if (before + after > 7) return false;
        address = (before == 0 ? 0 : head << ((8 - before) * 16)) | tail;
        return true;
    }

    private static bool TryReadGroups(ReadOnlySpan<char> text, out UInt128 number, out int count)
    {
        number = 0;
        count = 0;
        if (text.IsEmpty) return true;
        foreach (var range in text.Split(':'))
        {
            var group = text[range];
            if (++count > 8 || group.Length is 0 or > 4) return false;
            uint value = 0;
            foreach (var digit in group)
            {
                if (!char.IsAsciiHexDigit(digit)) return false;
                value = value * 16 + (uint)(char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
            }

            number = (number << 16) | value;
        }

        return true;
    }
}
