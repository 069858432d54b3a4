using System.Net;
using System.Runtime.InteropServices;
using CsCheck;

namespace Moat.Policy.Tests.Crosscheck;

/// <summary>The C library is the oracle: what it dials as an address must never pass the policy as a name.</summary>
public partial class LibcAddressTests
{
    [Fact]
    public void T_12_what_the_C_library_reads_as_an_address_is_that_address_or_refused()
    {
        var number = Gen.OneOf(
            Gen.UInt.Select(n => n.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            Gen.UInt[0, 300].Select(n => n.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            Gen.UInt.Select(n => "0x" + n.ToString("x", System.Globalization.CultureInfo.InvariantCulture)),
            Gen.UInt[0, 300].Select(n => "0X00" + n.ToString("X", System.Globalization.CultureInfo.InvariantCulture)),
            Gen.UInt[0, 300].Select(n => "00" + Convert.ToString(n, 8)),
            Gen.String[Gen.Char["0123456789abcdefxX"], 1, 6]);
        number.Array[1, 5].Select(parts => string.Join('.', parts)).Sample(text =>
        {
            if (inet_aton(text, out var raw) == 0) return;
            if (!CanonicalHost.TryParse(text, out var host, out _)) return;
            Assert.Equal(new IPAddress(raw), host.Address);
        }, iter: 50_000);
    }

    [Fact]
    public void T_12_what_the_C_library_reads_as_an_IPv6_address_is_that_address_or_refused()
    {
        Span<byte> raw = stackalloc byte[16];
        var random = new Random(7);
        var accepted = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(2, 9)).Select(_ => (string[])[":", "::", "0:", "ffff:", "64:ff9b:", "a9fe", "127.0.0.1", "fe80:", "1", "00ab:"]).Select(t => t[random.Next(t.Length)]));
            if (inet_pton(10, text, raw) != 1 || !CanonicalHost.TryParse(text, out var host, out _)) continue;
            accepted++;
            Assert.Equal(new IPAddress(raw), host.Address);
        }

        Assert.True(accepted > 100);
    }

    // in_addr as it lies in memory: network order, which is what IPAddress(long) takes on a little-endian machine.
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inet_aton(string text, out uint address);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inet_pton(int family, string text, Span<byte> address);
}
