using System.Buffers.Binary;
using System.Net;
using CsCheck;

namespace Moat.Policy.Tests.Crosscheck;

/// <summary>Addresses as plain integers beside <see cref="AddressGuard"/>: ranges by shifting, no IPNetwork.</summary>
public class PrefixArithmeticTests
{
    private static readonly (string Base, int Bits)[] Special =
    [
        ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("168.63.129.16", 32), ("169.254.0.0", 16), ("172.16.0.0", 12), ("192.0.0.0", 24),
        ("192.0.2.0", 24), ("192.88.99.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15), ("198.51.100.0", 24), ("203.0.113.0", 24), ("224.0.0.0", 4), ("240.0.0.0", 4),
    ];

    private static readonly string[] Metadata = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "192.0.0.192"];

    private static readonly Gen<uint> Near = Gen.Select(Gen.Int[0, Special.Length - 1], Gen.Int[-2, 2], Gen.Bool, Gen.UInt, Gen.Bool).Select((i, step, end, any, far) =>
    {
        var start = Number(Special[i].Base);
        var last = start + (uint)((1UL << (32 - Special[i].Bits)) - 1);
        return far ? any : unchecked((end ? last : start) + (uint)step);
    });

    [Fact]
    public void T_12_IPv4_is_public_exactly_outside_of_the_special_ranges() => Near.Sample(value =>
        Assert.Equal(!IsSpecial(value), AddressGuard.Classify(V4(value)) == AddressClass.Public), iter: 50_000);

    [Fact]
    public void T_12_an_embedded_special_address_is_never_public_and_metadata_stays_metadata() => Gen.Select(Near, Gen.Int[0, Metadata.Length - 1], Gen.Bool, Gen.Int[0, 6], Gen.ULong).Sample((near, m, meta, form, noise) =>
    {
        var value = meta ? Number(Metadata[m]) : near;
        var kind = AddressGuard.Classify(Wrap(value, form, noise));
        if (meta) Assert.Equal(AddressClass.Metadata, kind);
        else if (IsSpecial(value)) Assert.NotEqual(AddressClass.Public, kind);
    }, iter: 50_000);

    [Fact]
    public void T_12_IPv6_is_public_only_inside_of_global_unicast() => Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[0, 9]).Sample((high, low, form) =>
    {
        UInt128 value = form switch
        {
            0 => Bits("fc00::", 7, high, low),
            1 => Bits("fe80::", 10, high, low),
            2 => Bits("ff00::", 8, high, low),
            3 => Bits("2001:db8::", 32, high, low),
            4 => Bits("100::", 64, high, low),
            5 => Bits("64:ff9b:1::", 48, high, low),
            6 => Bits("fec0::", 10, high, low),
            7 => Bits("3fff::", 20, high, low),
            8 => Bits("5f00::", 16, high, low),
            _ => new UInt128(high, low),
        };
        var address = V6(value);
        var kind = AddressGuard.Classify(address);
        if (form < 9) Assert.NotEqual(AddressClass.Public, kind);
        var nat64 = value >> 32 == new UInt128(0x0064_ff9b_0000_0000, 0) >> 32;
        var mapped = value >> 32 == 0xffff;
        if (value >> 125 != 1 && !nat64 && !mapped) Assert.NotEqual(AddressClass.Public, kind);
        if (kind != AddressClass.Public) Assert.True(AddressGuard.IsForbidden(kind, namedByRule: false));
    }, iter: 50_000);

    private static uint Number(string text) => BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(text).GetAddressBytes());

    private static bool IsSpecial(uint value) => Special.Any(s => value >> (32 - s.Bits) == Number(s.Base) >> (32 - s.Bits)) || Metadata.Any(m => Number(m) == value);

    private static IPAddress V4(uint value) => new([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    private static IPAddress V6(UInt128 value)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(bytes);
    }

    private static UInt128 Bits(string prefix, int bits, ulong high, ulong low) =>
        BinaryPrimitives.ReadUInt128BigEndian(IPAddress.Parse(prefix).GetAddressBytes()) | (new UInt128(high, low) << bits >> bits);

    private static IPAddress Wrap(uint value, int form, ulong noise) => V6(form switch
    {
        0 => new UInt128(0, 0xffff_0000_0000UL | value), // mapped
        1 => value > 1 ? value : 0, // compatible; ::1 is loopback and no embedding
        2 => new UInt128(0x0064_ff9b_0000_0000, value), // NAT64
        3 => new UInt128(0x2002_0000_0000_0000 | ((ulong)value << 16) | (noise & 0xffff), noise), // 6to4
        4 => new UInt128(0x2001_0000_0000_0000 | (noise >> 32), (noise << 32) | ~value), // Teredo
        5 => new UInt128(0x2606_4700_0000_0000, 0x0200_5efe_0000_0000UL | value), // ISATAP
        _ => new UInt128(0, 0xffff_0000_0000_0000UL | value), // translated
    });
}
