using System.Buffers.Binary;
using System.Net;
using System.Text;
using Moat.Gateway.Dns;

namespace Moat.Gateway.Tests.Dns;

internal static class DnsMessages
{
    internal const ushort A = 1;
    internal const ushort Aaaa = 28;

    internal static byte[] Query(string name, ushort type, ushort id = 0x1234, byte[]? edns = null, ushort @class = 1)
    {
        var message = new List<byte> { (byte)(id >> 8), (byte)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(edns is null ? 0 : 1) };
        if (name.Length > 0)
            foreach (var label in name.Split('.'))
            {
                message.Add((byte)label.Length);
                message.AddRange(Encoding.Latin1.GetBytes(label));
            }
        message.AddRange([0, (byte)(type >> 8), (byte)type, (byte)(@class >> 8), (byte)@class]);
        if (edns is not null) message.AddRange(edns);
        return [.. message];
    }

    // Version 0, 4096 bytes, and a cookie option of 8 bytes as dig sends.
    internal static byte[] Opt(byte version = 0) => [0, 0, 41, 0x10, 0, 0, version, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];

    internal static int Rcode(byte[] answer) => answer[3] & 15;

    internal static int Answers(byte[] answer) => BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(6));

    /// <summary>The data of the one record after the question.</summary>
    internal static byte[] Data(byte[] query, byte[] answer)
    {
        var at = query.AsSpan(12).IndexOf((byte)0) + 12 + 5;
        Assert.Equal(0xC00C, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(at)));
        var length = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(at + 10));
        return answer[(at + 12)..(at + 12 + length)];
    }

    internal static IPAddress Address(byte[] query, byte[] answer) => new(Data(query, answer));
}

/// <summary>A responder whose policy permits <c>allowed.test</c> and what is under it, and its ledger's records.</summary>
internal sealed class ResponderUnderTest
{
    internal ResponderUnderTest(int queriesPerSecond = 1_000_000, Action<DnsEvent>? record = null)
        => Responder = new DnsResponder(new DnsRules
        {
            Decide = name => name == "allowed.test" || name.EndsWith(".allowed.test", StringComparison.Ordinal)
                ? new DnsVerdict(true, "allowed.test (moat.yaml:3)", "", "")
                : new DnsVerdict(false, "default", "no rule allows it", "add a rule"),
            Record = record ?? Events.Add,
            QueriesPerSecond = queriesPerSecond,
        }, Names, TimeProvider.System);

    internal SyntheticNames Names { get; } = new();

    internal List<DnsEvent> Events { get; } = [];

    internal DnsResponder Responder { get; }

    internal byte[] Ask(byte[] query)
    {
        var answer = new byte[DnsWriter.MaxLength];
        return answer[..Responder.Answer(query, answer)];
    }
}
