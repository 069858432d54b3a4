using CsCheck;
using Moat.Gateway.Dns;
using static Moat.Gateway.Tests.Dns.DnsMessages;

namespace Moat.Gateway.Tests.Dns;

/// <summary>The fuzzing target: bytes that claim to be a query. SharpFuzz calls it as it is.</summary>
internal static class DnsFuzz
{
    /// <summary>Must return, whatever the bytes are.</summary>
    public static void Responder(ReadOnlySpan<byte> data)
    {
        if (!IsSound(data.ToArray())) throw new InvalidOperationException("the answer does not fit the query");
    }

    internal static bool IsSound(byte[] message)
    {
        var under = new ResponderUnderTest();
        var answer = under.Ask(message);
        if (answer.Length == 0) return message.Length < 12 || (message[2] & 0x80) != 0;
        if (answer.Length is < 12 or > 512 || (answer[2] & 0x80) == 0) return false;
        if (!answer.AsSpan(0, 2).SequenceEqual(message.AsSpan(0, 2))) return false;
        // The question comes back as it was, or not at all.
        if (answer[5] == 0) return answer.Length == 12 && Rcode(answer) is (int)DnsRcode.FormErr or (int)DnsRcode.NotImp;
        var question = message.AsSpan(12).IndexOf((byte)0);
        return question >= 0 && DnsQuery.Parse(message, out var query) == DnsRcode.NoError
            && answer.AsSpan(12, query.Question.Length).SequenceEqual(query.Question)
            && (Answers(answer) == 0 || query.Name == "localhost" || query.Name.EndsWith("allowed.test", StringComparison.Ordinal) || query.Name.EndsWith("localhost", StringComparison.Ordinal));
    }
}

/// <summary>What a fuzzer would find is looked for here in short: random bytes, and mutations of the seed corpus.</summary>
public class DnsFuzzTests
{
    private static readonly byte[][] s_corpus = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Dns", "Corpus")).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    [Fact]
    public void The_corpus_holds_queries_of_each_kind() => Assert.True(s_corpus.Length >= 8);

    [Fact]
    public void Random_bytes_never_break_the_responder() => Gen.Byte.Array[0, 600].Sample(DnsFuzz.IsSound, iter: 20_000);

    [Fact]
    public void Mutated_queries_never_break_the_responder()
        => Gen.Select(Gen.Int[0, 1000], Gen.Select(Gen.Int[0, 600], Gen.Byte).Array[0, 6], Gen.Int[0, 600]).Sample((seed, changes, cut) =>
        {
            var message = s_corpus[seed % s_corpus.Length].ToArray();
            foreach (var (at, value) in changes) if (message.Length > 0) message[at % message.Length] = value;
            return DnsFuzz.IsSound(cut < message.Length && cut % 3 == 0 ? message[..cut] : message);
        }, iter: 50_000);
}
