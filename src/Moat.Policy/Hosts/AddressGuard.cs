using System.Net;
using System.Net.Sockets;

namespace Moat.Policy;

/// <summary>What an address is for; everything but <see cref="Public"/> needs a rule that names it, <see cref="Metadata"/> has none.</summary>
public enum AddressClass
{
    Public,
    Unspecified,
    Loopback,
    Private,
    LinkLocal,

    /// <summary>A cloud's metadata or credential endpoint: denied always.</summary>
    Metadata,
    Shared,
    Multicast,
    Broadcast,
    Reserved,

    /// <summary>A tunnel or translation prefix whose embedded address cannot be told: refused as it stands.</summary>
    Translated,
}

/// <summary>
/// Sorts an address by the IANA special-purpose registries (RFC 6890 and its updates). An IPv4 address inside an IPv6
/// one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is taken out and sorted by itself, so that no spelling of
/// 169.254.169.254 is public.
/// </summary>
public static class AddressGuard
{
    private static readonly (IPNetwork Net, AddressClass Class)[] V4 =
    [
        (IPNetwork.Parse("169.254.169.254/32"), AddressClass.Metadata),
        (IPNetwork.Parse("169.254.170.2/32"), AddressClass.Metadata),
        (IPNetwork.Parse("169.254.170.23/32"), AddressClass.Metadata),
        (IPNetwork.Parse("168.63.129.16/32"), AddressClass.Metadata),
        (IPNetwork.Parse("100.100.100.200/32"), AddressClass.Metadata),
        (IPNetwork.Parse("192.0.0.192/32"), AddressClass.Metadata),
        (IPNetwork.Parse("0.0.0.0/8"), AddressClass.Unspecified),
        (IPNetwork.Parse("127.0.0.0/8"), AddressClass.Loopback),
        (IPNetwork.Parse("10.0.0.0/8"), AddressClass.Private),
        (IPNetwork.Parse("172.16.0.0/12"), AddressClass.Private),
        (IPNetwork.Parse("192.168.0.0/16"), AddressClass.Private),
        (IPNetwork.Parse("169.254.0.0/16"), AddressClass.LinkLocal),
        (IPNetwork.Parse("100.64.0.0/10"), AddressClass.Shared),
        (IPNetwork.Parse("192.0.0.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("192.0.2.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("192.88.99.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("198.18.0.0/15"), AddressClass.Reserved),
        (IPNetwork.Parse("198.51.100.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("203.0.113.0/24"), AddressClass.Reserved),
        (IPNetwork.Parse("224.0.0.0/4"), AddressClass.Multicast),
        (IPNetwork.Parse("255.255.255.255/32"), AddressClass.Broadcast),
        (IPNetwork.Parse("240.0.0.0/4"), AddressClass.Reserved),
    ];

    private static readonly (IPNetwork Net, AddressClass Class)[] V6 =
    [
        (IPNetwork.Parse("fd00:ec2::254/128"), AddressClass.Metadata),
        (IPNetwork.Parse("fd00:ec2::23/128"), AddressClass.Metadata),
        (IPNetwork.Parse("fd20:ce::254/128"), AddressClass.Metadata),
        (IPNetwork.Parse("::/128"), AddressClass.Unspecified),
        (IPNetwork.Parse("::1/128"), AddressClass.Loopback),
        (IPNetwork.Parse("fc00::/7"), AddressClass.Private),
        (IPNetwork.Parse("fec0::/10"), AddressClass.Private),
        (IPNetwork.Parse("fe80::/10"), AddressClass.LinkLocal),
        (IPNetwork.Parse("ff00::/8"), AddressClass.Multicast),
        (IPNetwork.Parse("2001:db8::/32"), AddressClass.Reserved),
        (IPNetwork.Parse("3fff::/20"), AddressClass.Reserved),
        (IPNetwork.Parse("100::/64"), AddressClass.Reserved),
        (IPNetwork.Parse("5f00::/16"), AddressClass.Reserved),
        (IPNetwork.Parse("64:ff9b:1::/48"), AddressClass.Translated),
        (IPNetwork.Parse("2001::/23"), AddressClass.Reserved),
    ];

    public static AddressClass Classify(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork) return Lookup(V4, address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return AddressClass.Reserved;
        if (address.ScopeId != 0) address = new IPAddress(address.GetAddressBytes());
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        var known = Lookup(V6, address);
        if (known is AddressClass.Metadata or AddressClass.Unspecified or AddressClass.Loopback) return known;
        if (Embedded(bytes) is { } inner)
        {
            var inside = Lookup(V4, inner);
            return inside == AddressClass.Public && known != AddressClass.Public ? known : inside;
        }

        if (known != AddressClass.Public) return known;

        // Only 2000::/3 is global unicast today; what lies outside is not for the internet.
        return (bytes[0] & 0xe0) == 0x20 ? AddressClass.Public : AddressClass.Reserved;
    }

    /// <summary>True for every class but <see cref="AddressClass.Public"/>; with a rule that names the host only metadata and what cannot be dialled stay forbidden.</summary>
    public static bool IsForbidden(AddressClass kind, bool namedByRule) => kind switch
    {
        AddressClass.Public => false,
        AddressClass.Loopback or AddressClass.Private or AddressClass.LinkLocal or AddressClass.Shared or AddressClass.Reserved => !namedByRule,
        _ => true,
    };

    private static IPAddress? Embedded(ReadOnlySpan<byte> b)
    {
        if (b[..10].IndexOfAnyExcept((byte)0) < 0 && ((b[10] == 0xff && b[11] == 0xff) || (b[10] == 0 && b[11] == 0))) return new IPAddress(b[12..]);
        if (b[..8].SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0, 0, 0]) && b[8] == 0xff && b[9] == 0xff && b[10] == 0 && b[11] == 0) return new IPAddress(b[12..]);
        if (b[..12].SequenceEqual((ReadOnlySpan<byte>)[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0])) return new IPAddress(b[12..]);
        if (b[0] == 0x20 && b[1] == 0x02) return new IPAddress(b[2..6]);
        if (b[..4].SequenceEqual((ReadOnlySpan<byte>)[0x20, 0x01, 0, 0]))
            return new IPAddress((ReadOnlySpan<byte>)[(byte)~b[12], (byte)~b[13], (byte)~b[14], (byte)~b[15]]);
        if ((b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe) return new IPAddress(b[12..]);
        return null;
    }

    private static AddressClass Lookup((IPNetwork Net, AddressClass Class)[] table, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> prefix = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        foreach (var (net, kind) in table)
        {
            net.BaseAddress.TryWriteBytes(prefix, out _);
            if (Matches(bytes[..length], prefix[..length], net.PrefixLength)) return kind;
        }

        return AddressClass.Public;
    }

    /// <summary>Bit by bit, since <see cref="IPNetwork.Contains"/> of .NET 10 finds some IPv4-mapped addresses in fc00::/7.</summary>
    private static bool Matches(ReadOnlySpan<byte> address, ReadOnlySpan<byte> prefix, int bits)
    {
        var whole = bits / 8;
        if (!address[..whole].SequenceEqual(prefix[..whole])) return false;
        var rest = bits % 8;
        return rest == 0 || ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
    }
}
