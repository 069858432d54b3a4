using System.Net;
using CsCheck;

namespace Moat.Policy.Tests;

public class CanonicalHostTests
{
    [Theory]
    [InlineData("Example.COM", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("EXAMPLE.com.", "example.com")]
    [InlineData("a_b.example", "a_b.example")]
    [InlineData("[::1]", "::1")]
    [InlineData("::FFFF:7f00:1", "::ffff:127.0.0.1")]
    [InlineData("[2001:DB8:0:0::1]", "2001:db8::1")]
    public void One_host_has_one_form(string text, string expected) => Assert.Equal(expected, Hosts.Of(text).Value);

    [Theory]
    [InlineData("127.1", "127.0.0.1")]
    [InlineData("2130706433", "127.0.0.1")]
    [InlineData("0x7f000001", "127.0.0.1")]
    [InlineData("0x7F.1", "127.0.0.1")]
    [InlineData("017700000001", "127.0.0.1")]
    [InlineData("0177.0.0.01", "127.0.0.1")]
    [InlineData("169.254.43518", "169.254.169.254")]
    [InlineData("0xA9FEA9FE", "169.254.169.254")]
    [InlineData("0", "0.0.0.0")]
    [InlineData("1.2.3.4.", "1.2.3.4")]
    public void T_12_every_spelling_of_an_address_is_that_address(string text, string expected)
    {
        var host = Hosts.Of(text);
        Assert.True(host.IsIp);
        Assert.Equal(expected, host.Value);
    }

    [Theory]
    [InlineData("allowed.com@evil.com")]
    [InlineData("allowed.com%2eevil.com")]
    [InlineData("allowed.com\0.evil.com")]
    [InlineData("allowed.com\r\nX: y")]
    [InlineData("allowed.com evil.com")]
    [InlineData("allowed.com/evil.com")]
    [InlineData("allowed.com\\evil.com")]
    [InlineData("allowed.com#evil.com")]
    [InlineData("allowed.com?x")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("-a.example")]
    [InlineData("a-.example")]
    [InlineData("*.example")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.09")]
    [InlineData("4294967296")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData("[::1")]
    [InlineData("::1]")]
    [InlineData("[1.2.3.4]")]
    [InlineData("[example.com]")]
    public void T_07_what_is_not_plainly_one_host_is_refused(string text)
    {
        Assert.False(CanonicalHost.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
        Assert.DoesNotContain(error, char.IsControl);
    }

    [Fact]
    public void Length_limits_hold()
    {
        Assert.True(CanonicalHost.TryParse(new string('a', 63) + ".b", out _, out _));
        Assert.False(CanonicalHost.TryParse(new string('a', 64) + ".b", out _, out _));
        var long253 = string.Join('.', Enumerable.Repeat(new string('a', 62), 4))[..250] + ".bc";
        Assert.Equal(253, long253.Length);
        Assert.True(CanonicalHost.TryParse(long253, out _, out _));
        Assert.False(CanonicalHost.TryParse("x" + long253.Replace(".bc", ".bcd", StringComparison.Ordinal), out _, out _));
    }

    [Fact]
    public void A_name_outside_ASCII_becomes_its_A_labels_or_is_refused_but_never_stays()
    {
        foreach (var text in (string[])["bücher.example", "ｅxample.com", "exa\u00ADmple.com", "example。com", "１２７.0.0.1", "xn--bcher-kva.example", "\u202Eexample.com"])
        {
            if (CanonicalHost.TryParse(text, out var host, out _)) Assert.True(System.Text.Ascii.IsValid(host.Value), text);
        }

        // A full-width spelling of a loopback address must not pass as a name.
        if (CanonicalHost.TryParse("１２７.0.0.1", out var loopback, out _)) Assert.True(loopback.IsIp);
    }

    [Fact]
    public void Canonicalising_twice_changes_nothing() => Gen.String[Gen.Char["abcXYZ019.-_:[]%@x \0é"], 0, 40].Sample(text =>
    {
        if (!CanonicalHost.TryParse(text, out var once, out _)) return;
        Assert.True(CanonicalHost.TryParse(once.Value, out var twice, out var error), error);
        Assert.Equal(once, twice);
        Assert.DoesNotContain(once.Value, char.IsControl);
    }, iter: 20_000);

    [Fact]
    public void Every_way_of_writing_four_bytes_agrees_with_the_bytes() =>
        Gen.Select(Gen.Byte, Gen.Byte, Gen.Byte, Gen.Byte, Gen.Int[0, 2], Gen.Int[1, 4]).Sample((a, b, c, d, radix, parts) =>
        {
            uint value = ((uint)a << 24) | ((uint)b << 16) | ((uint)c << 8) | d;
            uint[] numbers = parts switch
            {
                1 => [value],
                2 => [a, value & 0xffffff],
                3 => [a, b, value & 0xffff],
                _ => [a, b, c, d],
            };
            var text = string.Join('.', numbers.Select(n => radix switch { 0 => n.ToString(System.Globalization.CultureInfo.InvariantCulture), 1 => "0x" + n.ToString("x", System.Globalization.CultureInfo.InvariantCulture), _ => "0" + Convert.ToString(n, 8) }));
            Assert.Equal(new IPAddress(new[] { a, b, c, d }), Hosts.Of(text).Address);
        }, iter: 5_000);
}
