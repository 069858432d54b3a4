using System.Buffers.Binary;
using System.Text;

namespace Moat.Gateway.Dns;

/// <summary>
/// The parsed query: a header, exactly one question and at most an OPT record (RFC 1035 §4.1, RFC 6891). Nothing else is
/// accepted; a question's name is written out in full, never by a pointer.
/// </summary>
internal ref struct DnsQuery
{
    internal const int HeaderLength = 12;
    private const int MaxName = 255;
    private const int MaxLabel = 63;

    internal ushort Id;
    internal ushort Flags;

    /// <summary>The question as sent (name, type, class), for the answer to repeat.</summary>
    internal ReadOnlySpan<byte> Question;

    internal ushort Type;
    internal ushort Class;

    /// <summary>Lower case, without the last dot; other bytes than letters, digits, hyphen and underscore as <c>\DDD</c>.</summary>
    internal string Name;

    /// <summary>False: the name holds bytes that no host name holds.</summary>
    internal bool IsHostName;
    internal bool HasEdns;
    internal byte EdnsVersion;

    /// <summary>NoError: well formed. Null: not to be answered at all.</summary>
    internal static DnsRcode? Parse(ReadOnlySpan<byte> message, out DnsQuery query)
    {
        query = new DnsQuery { Name = "" };
        if (message.Length < HeaderLength) return null;
        query.Id = BinaryPrimitives.ReadUInt16BigEndian(message);
        query.Flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        // Answering an answer could make two responders talk for ever.
        if ((query.Flags & 0x8000) != 0) return null;
        if ((query.Flags & 0x7800) != 0) return DnsRcode.NotImp;
        if (BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1 || BinaryPrimitives.ReadUInt32BigEndian(message[6..]) != 0) return DnsRcode.FormErr;
        var extra = BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        if (extra > 1) return DnsRcode.FormErr;

        var at = ReadName(message[HeaderLength..], ref query);
        if (at < 0 || message.Length < HeaderLength + at + 4) return DnsRcode.FormErr;
        query.Type = BinaryPrimitives.ReadUInt16BigEndian(message[(HeaderLength + at)..]);
        query.Class = BinaryPrimitives.ReadUInt16BigEndian(message[(HeaderLength + at + 2)..]);
        query.Question = message.Slice(HeaderLength, at + 4);
        return ReadOpt(message[(HeaderLength + at + 4)..], extra, ref query) ? DnsRcode.NoError : DnsRcode.FormErr;
    }

    private static int ReadName(ReadOnlySpan<byte> text, ref DnsQuery query)
    {
        var name = new StringBuilder();
        query.IsHostName = true;
        var at = 0;
        while (at < text.Length && at < MaxName)
        {
            var length = text[at++];
            if (length == 0)
            {
                query.Name = name.ToString();
                return at;
            }
            if (length > MaxLabel || text.Length - at < length) return -1;
            if (name.Length > 0) name.Append('.');
            foreach (var b in text.Slice(at, length))
            {
                var c = char.ToLowerInvariant((char)b);
                if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
                {
                    name.Append(c);
                    continue;
                }
                query.IsHostName = false;
                name.Append('\\').Append(b.ToString("D3"));
            }
            at += length;
        }
        return -1;
    }

    private static bool ReadOpt(ReadOnlySpan<byte> rest, int count, ref DnsQuery query)
    {
        if (count == 0) return rest.IsEmpty;
        if (rest.Length < 11 || rest[0] != 0 || BinaryPrimitives.ReadUInt16BigEndian(rest[1..]) != DnsTypes.Opt) return false;
        query.HasEdns = true;
        query.EdnsVersion = rest[6];
        return BinaryPrimitives.ReadUInt16BigEndian(rest[9..]) == rest.Length - 11;
    }
}
