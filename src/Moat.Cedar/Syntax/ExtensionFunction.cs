namespace Moat.Cedar;

/// <summary>The functions and methods of Cedar's extension types.</summary>
public enum ExtensionFunction
{
    /// <summary><c>ip("127.0.0.1/8")</c>.</summary>
    Ip,

    /// <summary><c>ip.isIpv4()</c>.</summary>
    IsIpv4,

    /// <summary><c>ip.isIpv6()</c>.</summary>
    IsIpv6,

    /// <summary><c>ip.isLoopback()</c>.</summary>
    IsLoopback,

    /// <summary><c>ip.isMulticast()</c>.</summary>
    IsMulticast,

    /// <summary><c>ip.isInRange(ip)</c>.</summary>
    IsInRange,

    /// <summary><c>decimal("1.23")</c>.</summary>
    Decimal,

    /// <summary><c>decimal.lessThan(decimal)</c>.</summary>
    LessThan,

    /// <summary><c>decimal.lessThanOrEqual(decimal)</c>.</summary>
    LessThanOrEqual,

    /// <summary><c>decimal.greaterThan(decimal)</c>.</summary>
    GreaterThan,

    /// <summary><c>decimal.greaterThanOrEqual(decimal)</c>.</summary>
    GreaterThanOrEqual,

    /// <summary><c>datetime("2024-10-15T11:35:00Z")</c>.</summary>
    DateTime,

    /// <summary><c>datetime.offset(duration)</c>.</summary>
    Offset,

    /// <summary><c>datetime.durationSince(datetime)</c>.</summary>
    DurationSince,

    /// <summary><c>datetime.toDate()</c>.</summary>
    ToDate,

    /// <summary><c>datetime.toTime()</c>.</summary>
    ToTime,

    /// <summary><c>duration("1d2h")</c>.</summary>
    Duration,

    /// <summary><c>duration.toMilliseconds()</c>.</summary>
    ToMilliseconds,

    /// <summary><c>duration.toSeconds()</c>.</summary>
    ToSeconds,

    /// <summary><c>duration.toMinutes()</c>.</summary>
    ToMinutes,

    /// <summary><c>duration.toHours()</c>.</summary>
    ToHours,

    /// <summary><c>duration.toDays()</c>.</summary>
    ToDays,
}
