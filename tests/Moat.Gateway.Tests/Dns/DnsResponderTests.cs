using System.Net;
using Moat.Gateway.Dns;
using static Moat.Gateway.Tests.Dns.DnsMessages;

namespace Moat.Gateway.Tests.Dns;

public class DnsResponderTests
{
    private readonly ResponderUnderTest _under = new();

    [Fact]
    public void A_permitted_name_has_one_pair_of_synthetic_addresses_and_is_found_again()
    {
        var query = Query("Api.Allowed.Test", A);
        var v4 = Address(query, _under.Ask(query));
        Assert.StartsWith("198.18.", v4.ToString(), StringComparison.Ordinal);
        Assert.Equal(v4, Address(query, _under.Ask(query)));
        var query6 = Query("api.allowed.test", Aaaa);
        var v6 = Address(query6, _under.Ask(query6));
        Assert.StartsWith("fd6d:6f61:7400::", v6.ToString(), StringComparison.Ordinal);
        foreach (var address in new[] { v4, v6, v4.MapToIPv6() })
        {
            Assert.True(_under.Names.TryFind(address, out var name));
            Assert.Equal("api.allowed.test", name);
            Assert.True(SyntheticNames.IsSynthetic(address));
        }
        Assert.False(_under.Names.TryFind(IPAddress.Parse("198.18.0.200"), out _));
        Assert.False(_under.Names.TryFind(IPAddress.Parse("8.8.8.8"), out _));
        Assert.False(_under.Names.TryFind(IPAddress.Parse("::c612:1"), out _));
    }

    [Fact]
    public void T_21_an_unpermitted_name_is_nxdomain_and_in_the_ledger_once_then_counted()
    {
        for (var i = 0; i < 1000; i++) Assert.Equal((int)DnsRcode.NxDomain, Rcode(_under.Ask(Query("c2VjcmV0.evil.test", A))));
        Assert.Equal("c2vjcmv0.evil.test", Assert.Single(_under.Events).Name);
        _under.Responder.Ledger.WriteRepeats();
        _under.Responder.Ledger.WriteRepeats();
        Assert.Equal([1, 999], _under.Events.Select(e => e.Count));
        Assert.All(_under.Events, e => Assert.Equal("nxdomain", e.Outcome));
    }

    [Fact]
    public void T_21_a_flood_of_different_names_cannot_fill_the_ledger()
    {
        for (var i = 0; i < 3 * DnsLedger.MaxEntries; i++) _under.Ask(Query($"n{i}.evil.test", A));
        Assert.InRange(_under.Events.Count, DnsLedger.MaxEntries, DnsLedger.MaxEntries + 1);
        _under.Responder.Ledger.WriteRepeats();
        Assert.Equal(3L * DnsLedger.MaxEntries, _under.Events.Sum(e => e.Count));
    }

    [Theory]
    [InlineData(16, DnsRcode.NoError)]   // TXT
    [InlineData(15, DnsRcode.NoError)]   // MX
    [InlineData(65, DnsRcode.NoError)]   // HTTPS: no ECH key reaches the agent
    [InlineData(64, DnsRcode.NoError)]   // SVCB
    [InlineData(33, DnsRcode.NoError)]   // SRV
    [InlineData(10, DnsRcode.Refused)]   // NULL
    [InlineData(255, DnsRcode.Refused)]  // ANY
    [InlineData(252, DnsRcode.Refused)]  // AXFR
    [InlineData(251, DnsRcode.Refused)]  // IXFR
    [InlineData(65399, DnsRcode.Refused)]
    public void T_23_no_type_but_the_two_of_addresses_brings_data(int type, object rcode)
    {
        var answer = _under.Ask(Query("allowed.test", (ushort)type));
        Assert.Equal((DnsRcode)rcode, (DnsRcode)Rcode(answer));
        Assert.Equal(0, Answers(answer));
        Assert.Single(_under.Events);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.1")]
    public void T_12_an_address_is_no_name(string literal)
    {
        Assert.Equal((int)DnsRcode.Refused, Rcode(_under.Ask(Query(literal, A))));
        Assert.Equal("refused", Assert.Single(_under.Events).Outcome);
    }

    [Theory]
    [InlineData("xallowed.test")]
    [InlineData("allowed.test.evil.test")]
    [InlineData("")]
    [InlineData("allowed test")]
    [InlineData("allowed\0.allowed.test")]
    [InlineData("ällowed.allowed.test")]
    [InlineData("metadata.google.internal")]
    public void T_07_a_name_that_only_looks_permitted_is_nxdomain(string name)
    {
        Assert.Equal((int)DnsRcode.NxDomain, Rcode(_under.Ask(Query(name, A))));
        Assert.All(Assert.Single(_under.Events).Name, c => Assert.InRange(c, '!', '~'));
    }

    [Fact]
    public void A_dot_inside_a_label_does_not_make_two_labels()
    {
        byte[] query = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 14, .. "x.allowed.test"u8, 0, 0, 1, 0, 1];
        Assert.Equal((int)DnsRcode.NxDomain, Rcode(_under.Ask(query)));
        Assert.Equal("x\\046allowed\\046test", Assert.Single(_under.Events).Name);
    }

    [Fact]
    public void Localhost_is_the_loopback_and_reverse_lookups_know_the_synthetic_names()
    {
        var local = Query("localhost", A);
        Assert.Equal(IPAddress.Loopback, Address(local, _under.Ask(local)));
        var local6 = Query("a.localhost", Aaaa);
        Assert.Equal(IPAddress.IPv6Loopback, Address(local6, _under.Ask(local6)));

        _under.Ask(Query("allowed.test", A));
        Assert.True(_under.Names.TryGet("allowed.test", out _, out var v6));
        var nibbles = string.Join('.', Convert.ToHexStringLower(v6.GetAddressBytes()).Reverse());
        foreach (var name in new[] { "1.0.18.198.in-addr.arpa", nibbles + ".ip6.arpa" })
        {
            var reverse = Query(name, 12);
            Assert.Equal(DnsWriter.EncodeName("allowed.test"), Data(reverse, _under.Ask(reverse)));
        }
        Assert.Equal((int)DnsRcode.NxDomain, Rcode(_under.Ask(Query("8.8.8.8.in-addr.arpa", 12))));
    }

    [Fact]
    public void Edns_is_echoed_without_the_options_and_a_later_version_refused()
    {
        var query = Query("allowed.test", A, edns: Opt());
        var answer = _under.Ask(query);
        Assert.Equal(1, answer[11]);
        Assert.Equal([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0], answer[^11..]);
        var later = _under.Ask(Query("allowed.test", A, edns: Opt(version: 1)));
        Assert.Equal(1, later[^6]); // BADVERS: 16
        Assert.Equal(0, Rcode(later));
    }

    [Fact]
    public void Malformed_messages_get_formerr_or_nothing()
    {
        var good = Query("allowed.test", A);
        Assert.Empty(_under.Ask([]));
        Assert.Empty(_under.Ask(good[..11]));
        Assert.Empty(_under.Ask(With(2, 0x81)));                                 // an answer
        Assert.Equal((int)DnsRcode.NotImp, Rcode(_under.Ask(With(2, 0x29))));    // UPDATE
        foreach (var bad in new[]
        {
            With(5, 2), With(5, 0), With(7, 1), With(9, 1), With(11, 1), With(11, 2), With(4, 1),
            With(12, 0xC0),                  // a pointer
            With(12, 0x40),                  // a label type of long ago
            With(12, 63),                    // a label beyond the end
            good[..^1], [.. good, 0], good[..12],
            [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. Enumerable.Repeat<byte[]>([7, .. "aaaaaaa"u8], 40).SelectMany(label => label), 0, 0, 1, 0, 1],
            Query("allowed.test", A, edns: [.. Opt(), 0]), Query("allowed.test", A, edns: Opt()[..^1]), Query("allowed.test", A, edns: [1, .. Opt()]),
        })
        {
            var answer = _under.Ask(bad);
            Assert.Equal(12, answer.Length);
            Assert.Equal((int)DnsRcode.FormErr, Rcode(answer));
            Assert.Equal(bad[..2], answer[..2]);
        }
        Assert.Equal((int)DnsRcode.Refused, Rcode(_under.Ask(Query("allowed.test", A, @class: 3)))); // CHAOS

        byte[] With(int at, byte value)
        {
            var copy = good.ToArray();
            copy[at] = value;
            return copy;
        }
    }

    [Fact]
    public void T_23_the_rate_is_bounded()
    {
        var under = new ResponderUnderTest(queriesPerSecond: 1);
        Assert.Equal(0, Rcode(under.Ask(Query("allowed.test", A))));
        Assert.Contains(Enumerable.Range(0, 100), _ => Rcode(under.Ask(Query("allowed.test", A))) == (int)DnsRcode.Refused);
        Assert.Contains(under.Events, e => e.Verdict.Reason == "too many queries");
    }

    [Fact]
    public void No_record_no_answer()
    {
        var under = new ResponderUnderTest(record: _ => throw new IOException("disk full"));
        for (var i = 0; i < 3; i++) Assert.Equal((int)DnsRcode.ServFail, Rcode(under.Ask(Query("allowed.test", A))));
    }

    [Fact]
    public void A_run_cannot_have_more_names_than_the_table_holds()
    {
        var names = new SyntheticNames();
        for (var i = 0; i < SyntheticNames.MaxNames; i++) Assert.True(names.TryGet($"n{i}", out _, out _));
        Assert.False(names.TryGet("one-more", out _, out _));
        Assert.True(names.TryGet("n0", out var first, out _));
        Assert.True(names.TryGet("n65535", out var last, out _));
        Assert.Equal("198.18.0.1", first.ToString());
        Assert.Equal("198.19.0.0", last.ToString());
        Assert.True(names.TryFind(last, out var name));
        Assert.Equal("n65535", name);
    }
}
