namespace Moat.Configuration.Tests;

/// <summary>The fuzzing target: bytes that claim to be a moat.yaml. SharpFuzz calls it as it is.</summary>
internal static class YamlFuzz
{
    /// <summary>Must return, whatever the bytes are: a configuration or errors, never both, and a summary for the person without control characters.</summary>
    public static void Parse(ReadOnlySpan<byte> data)
    {
        var result = ConfigurationLoader.Parse("moat.yaml", data);
        if (result.Configuration is null == result.Errors.IsEmpty)
            throw new InvalidOperationException("neither a configuration nor an error, or both");
        if (result.Configuration is { } configuration && TrustSummary.Of(configuration).Any(line => line.Any(char.IsControl)))
            throw new InvalidOperationException("a control character reached the person");
    }
}

public class YamlFuzzTests
{
    [Fact]
    public void Mutated_seeds_neither_crash_nor_pass_in_part()
    {
        var seeds = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Corpus")).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        Assert.NotEmpty(seeds);
        var random = new Random(1);
        for (var i = 0; i < 5_000; i++)
        {
            var data = seeds[i % seeds.Length].ToArray();
            for (var n = random.Next(0, 5); n > 0; n--) data[random.Next(data.Length)] = (byte)random.Next(256);
            YamlFuzz.Parse(data);
        }
    }
}
