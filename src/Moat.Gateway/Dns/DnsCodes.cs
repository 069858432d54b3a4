namespace Moat.Gateway.Dns;

/// <summary>RFC 1035 §4.1.1, RFC 6895 §2.3.</summary>
internal enum DnsRcode
{
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NxDomain = 3,
    NotImp = 4,
    Refused = 5,

    /// <summary>Extended: travels in the OPT record (RFC 6891 §6.1.3).</summary>
    BadVers = 16,
}

/// <summary>RFC 1035 §3.2.2 and successors; only what the responder treats by name.</summary>
internal static class DnsTypes
{
    internal const ushort A = 1;
    internal const ushort Null = 10;
    internal const ushort Ptr = 12;
    internal const ushort Aaaa = 28;
    internal const ushort Opt = 41;
    internal const ushort Any = 255;

    /// <summary>Types that ordinary clients ask about a host: answered as empty, so that they go on with A and AAAA.</summary>
    internal static bool IsOrdinary(ushort type) => type is 2 or 5 or 6 or 12 or 15 or 16 or 33 or 43 or 48 or 64 or 65 or 257;

    internal static string Name(ushort type) => type switch
    {
        A => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        Null => "NULL",
        Ptr => "PTR",
        15 => "MX",
        16 => "TXT",
        Aaaa => "AAAA",
        33 => "SRV",
        64 => "SVCB",
        65 => "HTTPS",
        Any => "ANY",
        _ => $"TYPE{type}",
    };
}
