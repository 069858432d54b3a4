using System.Security.Cryptography;
using System.Text.RegularExpressions;
using CsCheck;

namespace Moat.Credentials.Tests;

public class PlaceholderTests
{
    private static readonly Gen<byte[]> s_key = Gen.Byte.Array[32];

    public static TheoryData<string, string> Shapes => new()
    {
        { "github", "^ghp_[0-9A-Za-z]{36}$" },
        { "anthropic", "^sk-ant-api03-[0-9A-Za-z_-]{93}AA$" },
        { "openai", "^sk-[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}$" },
        { "gitlab", "^glpat-[0-9A-Za-z_-]{20}$" },
        { "telegram", "^[0-9]{10}:AA[0-9A-Za-z_-]{33}$" },
        { "datadog", "^[0-9a-f]{32}$" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Placeholders_have_the_shape_of_the_real_kind(string provider, string shape)
    {
        var template = ProviderCatalog.Load(null).Get(provider).Placeholder;
        s_key.Sample(key =>
        {
            var placeholder = template.Derive(key, provider);
            return Regex.IsMatch(placeholder, shape) && template.Fits(placeholder);
        }, iter: 200);
    }

    [Fact]
    public void A_placeholder_is_stable_in_its_run_and_different_in_every_other()
    {
        var template = ProviderCatalog.Load(null).Get("github").Placeholder;
        Gen.Select(s_key, s_key, Gen.String[Gen.Char.AlphaNumeric, 1, 12], Gen.String[Gen.Char.AlphaNumeric, 1, 12]).Sample((one, other, name, second) =>
        {
            var placeholder = template.Derive(one, name);
            return placeholder == template.Derive(one, name)
                && (one.AsSpan().SequenceEqual(other) || placeholder != template.Derive(other, name))
                && (name == second || placeholder != template.Derive(one, second));
        }, iter: 500);
    }

    [Fact]
    public void Ten_thousand_runs_share_no_placeholder()
    {
        var template = PlaceholderTemplate.Default;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 10_000; i++) Assert.True(seen.Add(template.Derive(RandomNumberGenerator.GetBytes(32), "x")));
    }

    [Fact]
    public void Every_character_of_an_alphabet_occurs_about_as_often()
    {
        var template = PlaceholderTemplate.Parse("{base62:256}");
        var key = SHA256.HashData("a fixed key"u8);
        var counts = Enumerable.Range(0, 400).SelectMany(i => template.Derive(key, $"n{i}")).GroupBy(c => c).Select(group => group.Count()).ToArray();
        // 102,400 draws over 62 characters: 1,652 each, standard deviation 40; six of them is 240. The bytes are fixed.
        Assert.Equal(62, counts.Length);
        Assert.All(counts, count => Assert.InRange(count, 1412, 1892));
    }

    [Fact]
    public void A_changed_character_breaks_the_check_sum()
    {
        var template = ProviderCatalog.Load(null).Get("github").Placeholder;
        var good = template.Derive(new byte[32], "github");
        for (var at = 4; at < good.Length; at++)
        {
            var bad = good.ToCharArray();
            bad[at] = bad[at] == 'a' ? 'b' : 'a';
            Assert.False(template.Fits(bad));
        }
        Assert.False(template.Fits(good + "a"));
        Assert.False(template.Fits("gho_" + good[4..]));
    }

    [Fact]
    public void The_check_sum_is_crc32_of_zlib()
    {
        // CRC-32 of "123456789" is CBF43926 (the check value of the algorithm); 3,421,780,262 in base 62.
        var template = PlaceholderTemplate.Parse("{digits:60}{crc32}");
        var value = 0xCBF43926u;
        var expected = "";
        for (var i = 0; i < 6; i++, value /= 62) expected = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(int)(value % 62)] + expected;
        Assert.Equal(expected, PlaceholderTemplate.Checksum("123456789"));
        Assert.Equal(66, template.Length);
    }

    [Theory]
    [InlineData("{base62:4}")]
    [InlineData("{base62:0}")]
    [InlineData("{base62:257}")]
    [InlineData("{nope:40}")]
    [InlineData("{base62:40")]
    [InlineData("a b{base62:40}")]
    [InlineData("")]
    public void A_template_that_is_none_or_could_be_guessed_is_refused(string text) => Assert.False(PlaceholderTemplate.TryParse(text, out _, out _));
}
