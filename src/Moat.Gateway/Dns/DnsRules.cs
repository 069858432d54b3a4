namespace Moat.Gateway.Dns;

/// <summary>The policy's answer for one name.</summary>
internal readonly record struct DnsVerdict(bool Allowed, string Rule, string Reason, string HowToAllow);

/// <summary>
/// One line of the query ledger. Count is 1 for the first query of a name and type; the repeats follow in one record when
/// the ledger is written out. The name is ASCII; whatever is no host name is escaped.
/// </summary>
internal sealed record DnsEvent(string Name, string Type, string Outcome, DnsVerdict Verdict, long Count);

/// <summary>What the responder needs of the run.</summary>
internal sealed record DnsRules
{
    /// <summary>May this name (lower case, no final dot) be resolved? Called for host names only; must not block.</summary>
    internal required Func<string, DnsVerdict> Decide { get; init; }

    /// <summary>Takes one ledger entry. When it throws, the query is answered SERVFAIL: no answer without a record.</summary>
    internal required Action<DnsEvent> Record { get; init; }

    /// <summary>Queries a second of the whole run, after a burst of twice as many. Clients of an agent stay far below.</summary>
    internal int QueriesPerSecond { get; init; } = 500;
}
