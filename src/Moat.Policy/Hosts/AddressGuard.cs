using System.Net;

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
    private static readonly Range[] V4 =
    [
        new("169.254.169.254", 32, AddressClass.Metadata),
        new("169.254.170.2", 32, AddressClass.Metadata),
        new("169.254.170.23", 32, AddressClass.Metadata),
        new("168.63.129.16", 32, AddressClass.Metadata),
        new("100.100.100.200", 32, AddressClass.Metadata),
        new("192.0.0.192", 32, AddressClass.Metadata),
        new("169.254.0.23", 32, AddressClass.Metadata),
        new("0.0.0.0", 8, AddressClass.Unspecified),
        new("127.0.0.0", 8, AddressClass.Loopback),
        new("10.0.0.0", 8, AddressClass.Private),
        new("172.16.0.0", 12, AddressClass.Private),
        new("192.168.0.0", 16, AddressClass.Private),
        new("169.254.0.0", 16, AddressClass.LinkLocal),
        new("100.64.0.0", 10, AddressClass.Shared),
        new("192.0.0.0", 24, AddressClass.Reserved),
        new("192.0.2.0", 24, AddressClass.Reserved),
        new("192.88.99.0", 24, AddressClass.Reserved),
        new("198.18.0.0", 15, AddressClass.Reserved),
        new("198.51.100.0", 24, AddressClass.Reserved),
        new("203.0.113.0", 24, AddressClass.Reserved),
        new("224.0.0.0", 4, AddressClass.Multicast),
        new("255.255.255.255", 32, AddressClass.Broadcast),
        new("240.0.0.0", 4, AddressClass.Reserved),
    ];

    private static readonly Range[] V6 =
    [
        new("fd00:ec2::254", 128, AddressClass.Metadata),
        new("fd00:ec2::23", 128, AddressClass.Metadata),
        new("fd20:ce::254", 128, AddressClass.Metadata),
        new("fe80::a9fe:a9fe", 128, AddressClass.Metadata),
        new("::", 128, AddressClass.Unspecified),
        new("::1", 128, AddressClass.Loopback),
        new("fc00::", 7, AddressClass.Private),
        new("fec0::", 10, AddressClass.Private),
        new("fe80::", 10, AddressClass.LinkLocal),
        new("ff00::", 8, AddressClass.Multicast),
        new("2001:db8::", 32, AddressClass.Reserved),
        new("3fff::", 20, AddressClass.Reserved),
        new("100::", 64, AddressClass.Reserved),
        new("5f00::", 16, AddressClass.Reserved),
        new("64:ff9b:1::", 48, AddressClass.Translated),
        new("2001::", 23, AddressClass.Reserved),
    ];

    /// <summary>The class of what the address leads to. A zone is left out of account.</summary>
    public static AddressClass Classify(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (length == 4) return Lookup(V4, bytes[..4]);
        var known = Lookup(V6, bytes);
        if (known is AddressClass.Metadata or AddressClass.Unspecified or AddressClass.Loopback) return known;
        Span<byte> inner = stackalloc byte[4];
        var embedding = Embedded(bytes, inner);
        if (embedding != Embedding.None && Lookup(V4, inner) is not AddressClass.Public and var inside) return inside;
        if (embedding is Embedding.Mapped or Embedding.Nat64) return AddressClass.Public;
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

    /// <summary>True for an IPv6 address that leads to an IPv4 one by translation or a tunnel, and so is a second name for it. Mapped addresses aside: those are the IPv4 address itself.</summary>
    internal static bool IsDetour(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 16 && Embedded(bytes, stackalloc byte[4]) is not (Embedding.None or Embedding.Mapped);
    }

    private static Embedding Embedded(ReadOnlySpan<byte> b, Span<byte> inner)
    {
        var (kind, at) = b switch
        {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..] => (Embedding.Mapped, 12), // RFC 4291, 2.5.5.2
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..] => (Embedding.Tunnel, 12), // compatible: RFC 4291, 2.5.5.1
            [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, ..] => (Embedding.Tunnel, 12), // translated: RFC 2765, 2.1
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, ..] => (Embedding.Nat64, 12), // RFC 6052, 2.1
            [0x20, 0x02, ..] => (Embedding.Tunnel, 2), // 6to4: RFC 3056
            [0x20, 0x01, 0, 0, ..] => (Embedding.Teredo, 12), // RFC 4380, 4; the client's address has its bits turned
            [_, _, _, _, _, _, _, _, 0 or 2, 0, 0x5e, 0xfe, ..] => (Embedding.Tunnel, 12), // ISATAP: RFC 5214, 6.1
            _ => (Embedding.None, 12),
        };
        b.Slice(at, 4).CopyTo(inner);
        if (kind == Embedding.Teredo)
        {
            foreach (ref var one in inner) one = (byte)~one;
        }

        return kind;
    }

    private static AddressClass Lookup(Range[] table, ReadOnlySpan<byte> address)
    {
        foreach (var range in table)
        {
            if (range.Contains(address)) return range.Class;
        }

        return AddressClass.Public;
    }

    private enum Embedding
    {
        None,
        Mapped,
        Nat64,
        Teredo,
        Tunnel,
    }

    /// <summary>Bit by bit, since <see cref="IPNetwork.Contains"/> of .NET 10 finds some IPv4-mapped addresses in fc00::/7.</summary>
    private sealed class Range(string first, int bits, AddressClass kind)
    {
        private readonly byte[] prefix = IPAddress.Parse(first).GetAddressBytes();

        public AddressClass Class => kind;

        public bool Contains(ReadOnlySpan<byte> address)
        {
            var (whole, rest) = (bits / 8, bits % 8);
            return address[..whole].SequenceEqual(prefix.AsSpan(0, whole)) && (rest == 0 || ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0);
        }
    }
}
