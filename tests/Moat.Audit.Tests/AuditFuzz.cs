using System.Text;

namespace Moat.Audit.Tests;

/// <summary>The fuzzing target: bytes that claim to be a log, its checkpoints or a bundle. SharpFuzz calls it as it is.</summary>
internal static class AuditFuzz
{
    /// <summary>Must return, whatever the bytes are; only the documented exceptions may leave the reader.</summary>
    public static void Reader(ReadOnlySpan<byte> data)
    {
        var bytes = data.ToArray();
        _ = AuditVerifier.Verify(new MemoryStream(bytes));
        _ = LineScanner.Scan(data);
        using var key = AuditKey.Generate();
        foreach (var note in AuditCheckpoint.SplitNotes(data, out _))
            _ = AuditCheckpoint.Open(note, key.PublicKey);
        var lines = new LineCutter(new MemoryStream(bytes));
        try
        {
            while (lines.TryNext(out var line))
                _ = AuditReader.Parse(line.Span, 0);
        }
        catch (InvalidDataException)
        {
            // The documented answer to a line that is no record.
        }
    }
}

public class AuditFuzzTests
{
    [Fact]
    public void Mutated_seeds_neither_crash_nor_hang_the_reader()
    {
        var seeds = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "corpus")).Select(File.ReadAllBytes).ToArray();
        Assert.NotEmpty(seeds);
        var random = new Random(1);
        byte[][] tokens = [.. new[] { "\n", "\n\n", "\"", "{", "}", "[", "\\u", "— ", "9223372036854775808", "-", "0", "\ud83d\ude00" }.Select(Encoding.UTF8.GetBytes)];
        for (var i = 0; i < 4000; i++)
        {
            var data = seeds[i % seeds.Length].ToList();
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                var at = random.Next(data.Count + 1);
                switch (random.Next(4))
                {
                    case 0 when at < data.Count: data[at] = (byte)random.Next(256); break;
                    case 1: data.RemoveRange(at, Math.Min(random.Next(20), data.Count - at)); break;
                    case 2: data.InsertRange(at, tokens[random.Next(tokens.Length)]); break;
                    default: data.InsertRange(at, data.Take(random.Next(60)).ToList()); break;
                }
            }
            AuditFuzz.Reader([.. data]);
        }
    }
}
