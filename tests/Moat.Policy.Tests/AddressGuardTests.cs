using System.Net;
using CsCheck;

namespace Moat.Policy.Tests;

public class AddressGuardTests
{
    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::169.254.169.254")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("2002:a9fe:a9fe::1")]
    [InlineData("2001:0:1234::5601:5601")]
    [InlineData("2001:db8::5efe:a9fe:a9fe")]
    [InlineData("fe80::5efe:169.254.169.254")]
    [InlineData("fd00:ec2::254")]
    [InlineData("168.63.129.16")]
    [InlineData("100.100.100.200")]
    [InlineData("169.254.170.2")]
    [InlineData("169.254.170.23")]
    public void T_13_metadata_is_metadata_in_every_wrapping_and_no_rule_opens_it(string text)
    {
        var kind = AddressGuard.Classify(IPAddress.Parse(text));
        Assert.Equal(AddressClass.Metadata, kind);
        Assert.True(AddressGuard.IsForbidden(kind, namedByRule: true));
    }

    [Theory]
    [InlineData("127.0.0.1", AddressClass.Loopback)]
    [InlineData("127.255.255.254", AddressClass.Loopback)]
    [InlineData("::1", AddressClass.Loopback)]
    [InlineData("::ffff:127.0.0.1", AddressClass.Loopback)]
    [InlineData("0.0.0.0", AddressClass.Unspecified)]
    [InlineData("::", AddressClass.Unspecified)]
    [InlineData("10.1.2.3", AddressClass.Private)]
    [InlineData("172.16.0.1", AddressClass.Private)]
    [InlineData("172.31.255.255", AddressClass.Private)]
    [InlineData("192.168.1.1", AddressClass.Private)]
    [InlineData("64:ff9b::10.0.0.1", AddressClass.Private)]
    [InlineData("2002:c0a8:0101::1", AddressClass.Private)]
    [InlineData("fc00::1", AddressClass.Private)]
    [InlineData("fdff::1", AddressClass.Private)]
    [InlineData("169.254.1.1", AddressClass.LinkLocal)]
    [InlineData("fe80::1", AddressClass.LinkLocal)]
    [InlineData("100.64.0.1", AddressClass.Shared)]
    [InlineData("224.0.0.1", AddressClass.Multicast)]
    [InlineData("ff02::1", AddressClass.Multicast)]
    [InlineData("255.255.255.255", AddressClass.Broadcast)]
    [InlineData("198.18.0.1", AddressClass.Reserved)]
    [InlineData("240.0.0.1", AddressClass.Reserved)]
    [InlineData("2001:db8::1", AddressClass.Reserved)]
    [InlineData("4000::1", AddressClass.Reserved)]
    [InlineData("64:ff9b:1::1", AddressClass.Translated)]
    public void T_12_what_is_not_the_internet_is_told_apart(string text, AddressClass expected)
    {
        var kind = AddressGuard.Classify(IPAddress.Parse(text));
        Assert.Equal(expected, kind);
        Assert.True(AddressGuard.IsForbidden(kind, namedByRule: false));
    }

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("2606:4700::1111")]
    [InlineData("64:ff9b::8.8.8.8")]
    public void The_internet_is_public(string text) => Assert.Equal(AddressClass.Public, AddressGuard.Classify(IPAddress.Parse(text)));

    [Fact]
    public void A_mapped_address_is_sorted_as_the_one_inside() => Gen.Byte.Array[4].Sample(bytes =>
    {
        var v4 = new IPAddress(bytes);
        Assert.Equal(AddressGuard.Classify(v4), AddressGuard.Classify(v4.MapToIPv6()));
    }, iter: 10_000);

    [Fact]
    public void No_translation_makes_a_special_address_public() => Gen.Select(Gen.Byte.Array[4], Gen.Int[0, 3]).Sample((b, form) =>
    {
        if (AddressGuard.Classify(new IPAddress(b)) == AddressClass.Public) return;
        byte[] wrapped = form switch
        {
            0 => [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, .. b],
            1 => [0x20, 0x02, .. b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            2 => [0x20, 0x01, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, (byte)~b[0], (byte)~b[1], (byte)~b[2], (byte)~b[3]],
            _ => [0x26, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xfe, .. b],
        };
        Assert.NotEqual(AddressClass.Public, AddressGuard.Classify(new IPAddress(wrapped)));
    }, iter: 10_000);
}
