using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using CsCheck;

namespace Moat.Policy.Tests;

public partial class CanonicalHostProperties
{
    private static readonly Gen<string> Hostlike = Gen.Char["abzAZ019-_.:[]%@x*é．\0 "].Array[0, 20].Select(c => new string(c));

    [Fact]
    public void The_canonical_form_is_a_fixed_point()
    {
        Gen.OneOf(Hostlike, Ipv4Spelling.Select(s => s.Text), Ipv6Spelling.Select(s => s.Text)).Sample(text =>
        {
            if (!CanonicalHost.TryParse(text, out var host, out _)) return;
            Assert.True(CanonicalHost.TryParse(host.Value, out var again, out _));
            Assert.Equal(host, again);
            Assert.Equal(host.Value, again.Value);
            Assert.DoesNotContain(host.Value, c => c is < '-' or > 'z' or '/' || char.IsAsciiLetterUpper(c));
        }, iter: 20_000);
    }

    /// <summary>An address in one of the spellings of inet_aton, made forwards: the parser reads backwards.</summary>
    private static readonly Gen<(uint Address, string Text)> Ipv4Spelling =
        from address in Gen.OneOf(Gen.UInt, Gen.OneOf(0u, 1u, 0x7f000001u, 0xa9fea9feu, 0xffffffffu, 0x0a000001u))
        from count in Gen.Int[1, 4]
        from bases in Gen.Int[0, 2].Array[4]
        from zeros in Gen.Int[0, 3].Array[4]
        from upper in Gen.Bool
        select (address, Spell(address, count, bases, zeros, upper));

    private static string Spell(uint address, int count, int[] bases, int[] zeros, bool upper)
    {
        var parts = new List<ulong>();
        for (var i = 0; i < count - 1; i++) parts.Add((address >> (8 * (3 - i))) & 0xff);
        parts.Add(address & (uint)((1UL << (8 * (5 - count))) - 1));
        var text = string.Join('.', parts.Select((part, i) => bases[i] switch
        {
            0 => part.ToString(System.Globalization.CultureInfo.InvariantCulture),
            1 => "0" + new string('0', zeros[i]) + Convert.ToString((long)part, 8),
            _ => "0x" + new string('0', zeros[i]) + part.ToString("x", System.Globalization.CultureInfo.InvariantCulture),
        }));
        return upper ? text.ToUpperInvariant() : text;
    }

    [Fact]
    public void T_12_any_spelling_of_an_IPv4_address_is_its_dotted_quad()
    {
        Ipv4Spelling.Sample(pair =>
        {
            Assert.True(CanonicalHost.TryParse(pair.Text, out var host, out var error), $"{pair.Text}: {error}");
            var a = pair.Address;
            Assert.Equal($"{a >> 24}.{(a >> 16) & 0xff}.{(a >> 8) & 0xff}.{a & 0xff}", host.Value);
        }, iter: 20_000);
    }

    [Fact]
    public void T_12_what_the_C_library_reads_as_an_address_is_that_address_or_refused()
    {
        Gen.Char["0123456789abcfxX."].Array[1, 14].Select(c => new string(c)).Sample(text =>
        {
            // The root dot makes a name of it to the C library, and nothing to Moat.
            var libc = InetAton(text.EndsWith('.') ? text[..^1] : text, out var raw) != 0;
            if (!CanonicalHost.TryParse(text, out var host, out _)) return;
            if (libc) Assert.Equal(new IPAddress(raw).ToString(), host.Value);
            // "0x" alone is zero to browsers and nothing to the C library.
            else Assert.True(!host.IsIp || text.Contains("0x", StringComparison.OrdinalIgnoreCase), text);
        }, iter: 50_000);
    }

    private static readonly Gen<(ushort[] Groups, string Text)> Ipv6Spelling =
        from groups in Gen.OneOf(Gen.Const((ushort)0), Gen.UShort[0, 0xf], Gen.UShort).Array[8]
        from pad in Gen.Bool
        from upper in Gen.Bool
        from brackets in Gen.Bool
        select (groups, Spell(groups, pad, upper, brackets));

    private static string Spell(ushort[] groups, bool pad, bool upper, bool brackets)
    {
        var text = string.Join(':', groups.Select(g => g.ToString(pad ? "x4" : "x", System.Globalization.CultureInfo.InvariantCulture)));
        if (upper) text = text.ToUpperInvariant();
        return brackets ? $"[{text}]" : text;
    }

    [Fact]
    public void T_12_any_spelling_of_an_IPv6_address_is_the_one_of_RFC_5952()
    {
        Ipv6Spelling.Sample(pair =>
        {
            Assert.True(CanonicalHost.TryParse(pair.Text, out var host, out var error), $"{pair.Text}: {error}");
            // The forms with an IPv4 address in dotted form are in the tables.
            if (!host.Value.Contains('.', StringComparison.Ordinal)) Assert.Equal(Rfc5952(pair.Groups), host.Value);
            var bytes = new byte[16];
            for (var i = 0; i < 8; i++) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2 * i), pair.Groups[i]);
            Assert.Equal(bytes, host.Address!.GetAddressBytes());
        }, iter: 20_000);
    }

    private static string Rfc5952(ushort[] groups)
    {
        var (start, length) = (0, 1);
        for (var i = 0; i < 8; i++)
        {
            var run = groups.Skip(i).TakeWhile(g => g == 0).Count();
            if (run > length) (start, length) = (i, run);
        }

        string Join(IEnumerable<ushort> part) => string.Join(':', part.Select(g => g.ToString("x", System.Globalization.CultureInfo.InvariantCulture)));
        return length < 2 ? Join(groups) : $"{Join(groups.Take(start))}::{Join(groups.Skip(start + length))}";
    }

    [Fact]
    public void Equal_hosts_get_equal_answers()
    {
        var policies = (NetworkPolicy[])[Policies.Strict("127.0.0.1", "10.0.0.1:8080", "*"), Policies.Permissive(), Policies.Strict()];
        Gen.Select(Ipv4Spelling, Gen.OneOf(80, 443, 8080), Gen.Int[0, 2]).Sample((pair, port, which) =>
        {
            Assert.True(CanonicalHost.TryParse(pair.Text, out var host, out _));
            Assert.True(CanonicalHost.TryParse(new IPAddress(BinaryPrimitives.ReverseEndianness(pair.Address)).ToString(), out var plain, out _));
            Assert.True(CanonicalHost.TryParse($"[::ffff:{plain.Value}]", out var mapped, out _));
            var policy = policies[which];
            var decision = policy.DecideHost(plain, port);
            Assert.Equal(decision, policy.DecideHost(host, port));
            Assert.Equal(decision.Allowed, policy.DecideHost(mapped, port).Allowed);
            Assert.Equal(decision.Allowed, policy.DecideRequest(mapped, port, "GET", "/").Allowed);
        }, iter: 5_000);
    }

    [LibraryImport("libc", EntryPoint = "inet_aton", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InetAton(string text, out uint address);
}
