using System.Net;
using CsCheck;

namespace Moat.Policy.Tests;

/// <summary>Attacks by address (rows T-12, T-13, T-20).</summary>
public class AddressGuardTests
{
    [Theory]
    [InlineData("1.1.1.1", AddressClass.Public)]
    [InlineData("2606:4700::1", AddressClass.Public)]
    [InlineData("0.0.0.0", AddressClass.Unspecified)]
    [InlineData("0.1.2.3", AddressClass.Unspecified)]
    [InlineData("::", AddressClass.Unspecified)]
    [InlineData("127.0.0.1", AddressClass.Loopback)]
    [InlineData("127.255.255.254", AddressClass.Loopback)]
    [InlineData("127.0.0.11", AddressClass.Loopback)]
    [InlineData("::1", AddressClass.Loopback)]
    [InlineData("10.1.2.3", AddressClass.Private)]
    [InlineData("172.16.0.1", AddressClass.Private)]
    [InlineData("172.31.255.255", AddressClass.Private)]
    [InlineData("172.15.255.255", AddressClass.Public)]
    [InlineData("172.32.0.0", AddressClass.Public)]
    [InlineData("192.168.65.254", AddressClass.Private)]
    [InlineData("fd12:3456::1", AddressClass.Private)]
    [InlineData("fec0::1", AddressClass.Private)]
    [InlineData("169.254.0.1", AddressClass.LinkLocal)]
    [InlineData("fe80::1", AddressClass.LinkLocal)]
    [InlineData("fe80::1%1", AddressClass.LinkLocal)]
    [InlineData("100.64.0.1", AddressClass.Shared)]
    [InlineData("100.128.0.0", AddressClass.Public)]
    [InlineData("224.0.0.251", AddressClass.Multicast)]
    [InlineData("ff02::fb", AddressClass.Multicast)]
    [InlineData("255.255.255.255", AddressClass.Broadcast)]
    [InlineData("192.0.2.1", AddressClass.Reserved)]
    [InlineData("198.51.100.1", AddressClass.Reserved)]
    [InlineData("203.0.113.1", AddressClass.Reserved)]
    [InlineData("198.18.0.1", AddressClass.Reserved)]
    [InlineData("192.88.99.1", AddressClass.Reserved)]
    [InlineData("240.0.0.1", AddressClass.Reserved)]
    [InlineData("2001:db8::1", AddressClass.Reserved)]
    [InlineData("3fff::1", AddressClass.Reserved)]
    [InlineData("100::1", AddressClass.Reserved)]
    [InlineData("5f00::1", AddressClass.Reserved)]
    [InlineData("4000::1", AddressClass.Reserved)]
    [InlineData("64:ff9b:1::7f00:1", AddressClass.Translated)]
    public void T_12_an_address_is_sorted_by_what_it_is_for(string address, AddressClass expected) =>
        Assert.Equal(expected, AddressGuard.Classify(IPAddress.Parse(address)));

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("169.254.170.2")]
    [InlineData("169.254.170.23")]
    [InlineData("168.63.129.16")]
    [InlineData("100.100.100.200")]
    [InlineData("192.0.0.192")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fd00:ec2::23")]
    [InlineData("fd20:ce::254")]
    [InlineData("fe80::a9fe:a9fe")]
    [InlineData("fe80::a9fe:a9fe%1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::169.254.169.254")]
    [InlineData("::ffff:0:169.254.169.254")]
    [InlineData("64:ff9b::169.254.169.254")]
    [InlineData("2002:a9fe:a9fe::1")]
    [InlineData("2001:0:1:2:3:4:5601:5601")]
    [InlineData("2606:4700::5efe:a9fe:a9fe")]
    [InlineData("fe80::200:5efe:168.63.129.16")]
    public void T_13_a_metadata_address_is_forbidden_in_every_wrapping_whatever_a_rule_says(string address)
    {
        var kind = AddressGuard.Classify(IPAddress.Parse(address));
        Assert.Equal(AddressClass.Metadata, kind);
        Assert.True(AddressGuard.IsForbidden(kind, namedByRule: true));
    }

    [Theory]
    [InlineData("::ffff:1.1.1.1", AddressClass.Public)]
    [InlineData("64:ff9b::1.1.1.1", AddressClass.Public)]
    [InlineData("2002:101:101::1", AddressClass.Public)]
    [InlineData("::1.1.1.1", AddressClass.Reserved)]
    [InlineData("::ffff:0:1.1.1.1", AddressClass.Reserved)]
    [InlineData("2001:0:1:2:3:4:fefe:fefe", AddressClass.Reserved)]
    [InlineData("fe80::5efe:1.1.1.1", AddressClass.LinkLocal)]
    public void A_public_address_inside_makes_its_wrapping_public_only_where_that_leads_somewhere(string address, AddressClass expected) =>
        Assert.Equal(expected, AddressGuard.Classify(IPAddress.Parse(address)));

    [Theory]
    [InlineData(AddressClass.Public, false, false)]
    [InlineData(AddressClass.Private, true, false)]
    [InlineData(AddressClass.Loopback, true, false)]
    [InlineData(AddressClass.LinkLocal, true, false)]
    [InlineData(AddressClass.Shared, true, false)]
    [InlineData(AddressClass.Reserved, true, false)]
    [InlineData(AddressClass.Metadata, true, true)]
    [InlineData(AddressClass.Multicast, true, true)]
    [InlineData(AddressClass.Broadcast, true, true)]
    [InlineData(AddressClass.Unspecified, true, true)]
    [InlineData(AddressClass.Translated, true, true)]
    public void A_rule_opens_what_can_be_a_host_of_one_s_own_network_and_nothing_else(AddressClass kind, bool forbidden, bool forbiddenWhenNamed)
    {
        Assert.Equal(forbidden, AddressGuard.IsForbidden(kind, namedByRule: false));
        Assert.Equal(forbiddenWhenNamed, AddressGuard.IsForbidden(kind, namedByRule: true));
    }

    /// <summary>The non-public ranges, as text and as numbers: first address and prefix length.</summary>
    private static readonly (uint First, int Length)[] NonPublic =
    [
        (0x00000000, 8), (0x0a000000, 8), (0x64400000, 10), (0x7f000000, 8), (0xa9fe0000, 16), (0xac100000, 12), (0xc0000000, 24), (0xc0000200, 24),
        (0xc0586300, 24), (0xc0a80000, 16), (0xc6120000, 15), (0xc6336400, 24), (0xcb007100, 24), (0xe0000000, 3), (0xa83f8110, 32),
    ];

    private static bool NaivelyPublic(uint address) => !NonPublic.Any(range => range.Length == 0 || address >> (32 - range.Length) == range.First >> (32 - range.Length));

    private static readonly Gen<uint> Address = Gen.OneOf(
        Gen.UInt,
        from range in Gen.OneOf(NonPublic)
        from offset in Gen.Int[-2, 2]
        from end in Gen.Bool
        select (uint)(range.First + (end ? (1L << (32 - range.Length)) - 1 : 0) + offset));

    [Fact]
    public void T_12_the_guard_agrees_with_a_plain_list_of_ranges()
    {
        Address.Sample(address => Assert.Equal(NaivelyPublic(address), AddressGuard.Classify(V4(address)) == AddressClass.Public), iter: 50_000);
    }

    [Fact]
    public void T_12_a_mapped_address_is_sorted_as_the_one_inside()
    {
        Address.Sample(address => Assert.Equal(AddressGuard.Classify(V4(address)), AddressGuard.Classify(V4(address).MapToIPv6())), iter: 20_000);
    }

    [Fact]
    public void T_12_no_wrapping_of_a_forbidden_address_is_public()
    {
        Gen.Select(Address, Gen.Int[0, 6], Gen.ULong).Sample((address, wrapping, noise) =>
        {
            if (NaivelyPublic(address)) return;
            Assert.True(AddressGuard.IsForbidden(AddressGuard.Classify(Wrap(address, wrapping, noise)), namedByRule: false));
            Assert.True(wrapping == 0 || AddressGuard.IsDetour(Wrap(address, wrapping, noise)));
        }, iter: 50_000);
    }

    private static IPAddress V4(uint address) => new([(byte)(address >> 24), (byte)(address >> 16), (byte)(address >> 8), (byte)address]);

    private static IPAddress Wrap(uint address, int wrapping, ulong noise)
    {
        var (high, low) = wrapping switch
        {
            0 => (0UL, 0xffff_0000_0000UL | address),
            1 => (0UL, (ulong)address),
            2 => (0UL, 0xffff_0000_0000_0000UL | address),
            3 => (0x0064_ff9b_0000_0000UL, (ulong)address),
            4 => (0x2002_0000_0000_0000UL | ((ulong)address << 16) | (noise & 0xffff), noise),
            5 => (0x2001_0000_0000_0000UL | (noise & 0xffff_ffff), (noise << 32) | (uint)~address),
            _ => (0x2600_0000_0000_0000UL | (noise & 0xff_ffff_ffff_ffff), 0x0000_5efe_0000_0000UL | ((noise & 1) << 57) | address),
        };
        var bytes = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, high);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), low);
        return new IPAddress(bytes);
    }
}
