namespace Moat.Policy.Tests;

/// <summary>Attacks on the spelling of a host (rows 4a).</summary>
public class CanonicalHostTests
{
    [Theory]
    [InlineData("Example.ORG", "example.org")]
    [InlineData("example.org.", "example.org")]
    [InlineData("EXAMPLE.ORG.", "example.org")]
    [InlineData("xn--BCHER-KVA.example", "xn--bcher-kva.example")]
    [InlineData("_acme-challenge.example.org", "_acme-challenge.example.org")]
    [InlineData("a_b.example", "a_b.example")]
    [InlineData("localhost", "localhost")]
    [InlineData("r3---sn-abc.example", "r3---sn-abc.example")]
    [InlineData("1.2.3.4a", "1.2.3.4a")]
    [InlineData("1.2.3.0xg", "1.2.3.0xg")]
    public void A_name_has_one_form(string text, string expected)
    {
        Assert.True(CanonicalHost.TryParse(text, out var host, out var error), error);
        Assert.Equal(expected, host.Value);
        Assert.False(host.IsIp);
        Assert.Empty(error);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.1")]
    [InlineData("127.0.1")]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("0X7F000001")]
    [InlineData("0x7f.1")]
    [InlineData("0x7F.0X0.0.0x1")]
    [InlineData("017700000001")]
    [InlineData("0177.0.0.1")]
    [InlineData("0177.0.0.01")]
    [InlineData("00000000177.1")]
    [InlineData("0x000000007f.1")]
    [InlineData("127.0x1")]
    public void T_12_every_spelling_of_an_IPv4_address_is_that_address(string text)
    {
        Assert.True(CanonicalHost.TryParse(text, out var host, out var error), error);
        Assert.Equal("127.0.0.1", host.Value);
        Assert.Equal(System.Net.IPAddress.Loopback, host.Address);
    }

    [Theory]
    [InlineData("0", "0.0.0.0")]
    [InlineData("169.254.43518", "169.254.169.254")]
    [InlineData("0xA9FEA9FE", "169.254.169.254")]
    [InlineData("2852039166", "169.254.169.254")]
    [InlineData("037777777777", "255.255.255.255")]
    public void T_12_the_last_part_of_an_IPv4_address_fills_what_is_left(string text, string expected) => Assert.Equal(expected, Policies.Host(text).Value);

    [Theory]
    [InlineData("[::1]", "::1")]
    [InlineData("::1", "::1")]
    [InlineData("[0:0:0:0:0:0:0:1]", "::1")]
    [InlineData("[2001:DB8::0:1]", "2001:db8::1")]
    [InlineData("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("[::ffff:7f00:1]", "::ffff:127.0.0.1")]
    [InlineData("[::FFFF:127.0.0.1]", "::ffff:127.0.0.1")]
    public void T_12_an_IPv6_address_has_the_form_of_RFC_5952(string text, string expected)
    {
        Assert.True(CanonicalHost.TryParse(text, out var host, out var error), error);
        Assert.Equal(expected, host.Value);
        Assert.True(host.IsIp);
    }

    public static TheoryData<string> Refused =>
    [
        // no host at all
        "", ".", "..", "a..b", ".a", "a.b..", "[", "]", "[]", "[::1", "::1]", "[[::1]]", "[::1]x", "[1.2.3.4]", "[a.example]",
        // T-07: userinfo, paths, queries, ports and lists that smuggle a second host
        "allowed.example@evil.example", "user:pass@evil.example", "allowed.example/", "allowed.example/@evil.example", "allowed.example\\evil.example",
        "allowed.example?evil.example", "allowed.example#evil.example", "allowed.example:443", "allowed.example,evil.example", "allowed.example;evil.example",
        "http://allowed.example", "*.allowed.example", "{allowed.example}", "\"allowed.example\"",
        // whitespace, control characters, NUL, percent escapes
        " allowed.example", "allowed.example ", "allowed\t.example", "allowed.example\r\nHost: evil.example", "allowed.example\0.evil.example", "allowed.example\0",
        "allowed\u007f.example", "%61llowed.example", "allowed%2eexample", "allowed.example%00", "127.0.0.1%20", "127.0.0.1 ",
        // outside ASCII: letters, full-width digits and dots, look-alikes, invisible characters, lone surrogates
        "bücher.example", "１２７.0.0.1", "127。0。0。1", "allowed．example", "аllowed.example", "allowed\u00ad.example", "allowed\u200b.example", "\ud800.example", "①②⑦.1", "ⓔvil.example",
        // labels and lengths
        "-a.example", "a-.example", "a.-b.example", "-", new string('a', 64) + ".example", string.Join('.', Enumerable.Repeat(new string('a', 63), 4)),
        // T-12: looks like an IPv4 address and is none
        "256.1.1.1", "1.2.3.4.5", "1.2.3.256", "4294967296", "0x100000000", "1.16777216", "08", "127.0.0.08", "09.1", "example.1", "example.0x7f", "a.127.1", "0x7f.0x0.0x0.0x0.0x1", "99999999999999999999999",
        // T-12: zones and broken IPv6
        "[fe80::1%eth0]", "fe80::1%eth0", "[fe80::1%25eth0]", "[fe80::1%1]", "::1%lo", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "::g", "[::1]:443", "::1/128", "[v1.a:b]", "::ffff:127.0.0.256",
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void T_07_T_12_what_could_be_read_in_two_ways_is_no_host(string text)
    {
        Assert.False(CanonicalHost.TryParse(text, out var host, out var error), host.Value);
        Assert.Equal(default, host);
        Assert.NotEmpty(error);
        Assert.DoesNotContain(error, char.IsControl);
        if (text.Length > 2) Assert.DoesNotContain(text, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[fe80::1%25eth0]", "zone")]
    [InlineData("bücher.example", "xn--")]
    [InlineData("user@a.example", "user name")]
    [InlineData("a.example ", "space")]
    [InlineData("1.2.3.256", "IPv4")]
    public void A_refusal_says_what_to_mend(string text, string word)
    {
        Assert.False(CanonicalHost.TryParse(text, out _, out var error));
        Assert.Contains(word, error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_longest_name_is_a_host_with_and_without_its_root_dot()
    {
        var label = new string('a', 63);
        var longest = $"{label}.{label}.{label}.{new string('a', 61)}";
        Assert.Equal(253, longest.Length);
        Assert.True(CanonicalHost.TryParse(longest, out _, out _));
        Assert.True(CanonicalHost.TryParse(longest + ".", out _, out _));
        Assert.False(CanonicalHost.TryParse(longest + "a", out _, out _));
    }

    [Fact]
    public void The_default_host_is_empty_and_allowed_by_nothing()
    {
        CanonicalHost nobody = default;
        Assert.Equal("", nobody.Value);
        var policy = Policies.Strict("a.example", "*.example");
        Assert.False(policy.DecideHost(nobody, 443).Allowed);
        Assert.False(policy.MayResolve(nobody));
    }
}
