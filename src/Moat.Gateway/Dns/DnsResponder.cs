using System.Net;
using System.Net.Sockets;

namespace Moat.Gateway.Dns;

/// <summary>
/// Answers one query out of the policy and nothing else; no query ever leaves this process. In order:
/// <list type="number">
/// <item>what is no well-formed query: FORMERR, or nothing when there is no header to answer;</item>
/// <item>over the rate: REFUSED;</item>
/// <item>localhost: the loopback; a PTR of a synthetic address: its name;</item>
/// <item>an IP literal as a name, or a type that only tunnels use: REFUSED;</item>
/// <item>a name that the policy does not permit: NXDOMAIN;</item>
/// <item>A and AAAA: the name's synthetic address; another ordinary type: empty.</item>
/// </list>
/// </summary>
internal sealed class DnsResponder(DnsRules rules, SyntheticNames names, TimeProvider time)
{
    private static readonly DnsVerdict s_builtIn = new(true, "built in", "", "");

    private readonly QueryRate _rate = new(rules.QueriesPerSecond, time);

    internal DnsLedger Ledger { get; } = new(rules.Record);

    /// <summary>Writes the answer, at most 512 bytes; 0: send nothing.</summary>
    internal int Answer(ReadOnlySpan<byte> message, Span<byte> answer)
    {
        if (DnsQuery.Parse(message, out var query) is not { } parsed) return 0;
        if (parsed != DnsRcode.NoError)
        {
            query.Question = default; // it may be cut short
            query.HasEdns = false;
            return DnsWriter.Write(answer, query, parsed);
        }
        if (query.HasEdns && query.EdnsVersion != 0) return DnsWriter.Write(answer, query, DnsRcode.BadVers);
        try
        {
            return Decide(query, answer);
        }
        catch (Exception)
        {
            // The audit log or the policy failed: no answer without a record. The log reports its own failure.
            return DnsWriter.Write(answer, query, DnsRcode.ServFail);
        }
    }

    private int Decide(in DnsQuery query, Span<byte> answer)
    {
        if (!_rate.TryTake()) return Refuse(query, answer, "(any name)", "", "too many queries");
        if (query.Class != 1) return Refuse(query, answer, query.Name, DnsTypes.Name(query.Type), "a class other than IN");

        var type = DnsTypes.Name(query.Type);
        if (query.Name is "localhost" || query.Name.EndsWith(".localhost", StringComparison.Ordinal))
            return WriteAddress(query, answer, IPAddress.Loopback, IPAddress.IPv6Loopback); // RFC 6761 §6.3
        if (query.Type == DnsTypes.Ptr && ReverseName.TryParse(query.Name, out var address)) return AnswerReverse(query, answer, address);
        if (IPAddress.TryParse(query.Name, out _)) return Refuse(query, answer, query.Name, type, "an address is no name");
        if (query.Type is not (DnsTypes.A or DnsTypes.Aaaa) && !DnsTypes.IsOrdinary(query.Type))
            return Refuse(query, answer, query.Name, type, "record types other than A and AAAA are not served");

        var verdict = query.IsHostName && query.Name.Length > 0
            ? rules.Decide(query.Name)
            : new DnsVerdict(false, "default", "not a host name", "");
        if (!verdict.Allowed)
        {
            Ledger.Add(query.Name, type, "nxdomain", verdict);
            return DnsWriter.Write(answer, query, DnsRcode.NxDomain);
        }
        if (query.Type is not (DnsTypes.A or DnsTypes.Aaaa))
        {
            Ledger.Add(query.Name, type, "empty", verdict);
            return DnsWriter.Write(answer, query, DnsRcode.NoError);
        }
        if (!names.TryGet(query.Name, out var v4, out var v6)) return Refuse(query, answer, query.Name, type, "this run has used up its names");
        Ledger.Add(query.Name, type, "answered", verdict);
        return WriteAddress(query, answer, v4, v6);
    }

    private int AnswerReverse(in DnsQuery query, Span<byte> answer, IPAddress address)
    {
        if (!names.TryFind(address, out var name))
        {
            // Any name could be asked about this way too: to the ledger with it.
            Ledger.Add(query.Name, "PTR", "nxdomain", s_builtIn);
            return DnsWriter.Write(answer, query, DnsRcode.NxDomain);
        }
        return DnsWriter.Write(answer, query, DnsRcode.NoError, DnsTypes.Ptr, DnsWriter.EncodeName(name));
    }

    private int Refuse(in DnsQuery query, Span<byte> answer, string name, string type, string reason)
    {
        Ledger.Add(name, type, "refused", new DnsVerdict(false, "built in", reason, ""));
        return DnsWriter.Write(answer, query, DnsRcode.Refused);
    }

    private static int WriteAddress(in DnsQuery query, Span<byte> answer, IPAddress v4, IPAddress v6)
    {
        Span<byte> bytes = stackalloc byte[16];
        var address = query.Type switch { DnsTypes.A => v4, DnsTypes.Aaaa => v6, _ => null };
        if (address is null) return DnsWriter.Write(answer, query, DnsRcode.NoError);
        address.TryWriteBytes(bytes, out var length);
        return DnsWriter.Write(answer, query, DnsRcode.NoError, (ushort)(address.AddressFamily == AddressFamily.InterNetwork ? DnsTypes.A : DnsTypes.Aaaa), bytes[..length]);
    }
}
