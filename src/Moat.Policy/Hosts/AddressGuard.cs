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
        (IPNetwork.Parse("169.254.0.23/32"), AddressClass.Metadata),
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
        (IPNetwork.Parse("fe80::a9fe:a9fe/128"), AddressClass.Metadata),
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

    /// <summary>The class of what the address leads to. A zone is left out of account.</summary>
    public static AddressClass Classify(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork) return Lookup(V4, address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return AddressClass.Reserved;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        var known = Lookup(V6, address);
        if (known is AddressClass.Metadata or AddressClass.Unspecified or AddressClass.Loopback) return known;
        var embedding = Embedded(bytes, out var inner);
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
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return false;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return Embedded(bytes, out _) is not (Embedding.None or Embedding.Mapped);
    }

    private static Embedding Embedded(ReadOnlySpan<byte> b, out IPAddress inner)
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
        Span<byte> four = stackalloc byte[4];
        b.Slice(at, 4).CopyTo(four);
        if (kind == Embedding.Teredo)
        {
            foreach (ref var one in four) one = (byte)~one;
        }

        inner = new IPAddress(four);
        return kind;
    }

    private static AddressClass Lookup((IPNetwork Net, AddressClass Class)[] table, IPAddress address)
    {
        foreach (var (net, kind) in table)
        {
            if (net.Contains(address)) return kind;
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
}
