using System.Buffers.Binary;
using System.Text;

namespace Moat.Gateway.Dns;

/// <summary>Writes the answer to one query: its question repeated, at most one record, an OPT when the query had one.</summary>
internal static class DnsWriter
{
    /// <summary>Seconds. Short: a client of a later run must not use this run's addresses.</summary>
    internal const uint Ttl = 30;

    /// <summary>RFC 1035 §4.2.1. No answer is longer, so none is ever cut.</summary>
    internal const int MaxLength = 512;

    private const ushort EdnsPayload = 1232;

    internal static int Write(Span<byte> answer, in DnsQuery query, DnsRcode rcode, ushort type = 0, ReadOnlySpan<byte> data = default)
    {
        answer = answer[..MaxLength];
        answer[..DnsQuery.HeaderLength].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(answer, query.Id);
        // QR, the query's opcode and RD, AA, RA.
        BinaryPrimitives.WriteUInt16BigEndian(answer[2..], (ushort)(0x8000 | (query.Flags & 0x7900) | 0x0400 | 0x0080 | ((int)rcode & 15)));
        BinaryPrimitives.WriteUInt16BigEndian(answer[4..], (ushort)(query.Question.IsEmpty ? 0 : 1));
        query.Question.CopyTo(answer[DnsQuery.HeaderLength..]);
        var at = DnsQuery.HeaderLength + query.Question.Length;
        if (!data.IsEmpty)
        {
            BinaryPrimitives.WriteUInt16BigEndian(answer[6..], 1);
            BinaryPrimitives.WriteUInt16BigEndian(answer[at..], 0xC000 | DnsQuery.HeaderLength);
            BinaryPrimitives.WriteUInt16BigEndian(answer[(at + 2)..], type);
            BinaryPrimitives.WriteUInt16BigEndian(answer[(at + 4)..], 1);
            BinaryPrimitives.WriteUInt32BigEndian(answer[(at + 6)..], Ttl);
            BinaryPrimitives.WriteUInt16BigEndian(answer[(at + 10)..], (ushort)data.Length);
            data.CopyTo(answer[(at + 12)..]);
            at += 12 + data.Length;
        }
        if (!query.HasEdns) return at;
        BinaryPrimitives.WriteUInt16BigEndian(answer[10..], 1);
        answer.Slice(at, 11).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(answer[(at + 1)..], DnsTypes.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(answer[(at + 3)..], EdnsPayload);
        answer[at + 5] = (byte)((int)rcode >> 4);
        return at + 11;
    }

    /// <summary>A host name in wire form, for a PTR record.</summary>
    internal static byte[] EncodeName(string name)
    {
        var wire = new List<byte>(name.Length + 2);
        foreach (var label in name.Split('.'))
        {
            wire.Add((byte)label.Length);
            wire.AddRange(Encoding.ASCII.GetBytes(label));
        }
        wire.Add(0);
        return [.. wire];
    }
}
