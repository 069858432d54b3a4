namespace Moat.Cedar;

/// <summary>The kinds of values.</summary>
public enum CedarKind
{
    /// <summary><c>true</c> or <c>false</c>.</summary>
    Bool,

    /// <summary>A signed integer of 64 bits.</summary>
    Long,

    /// <summary>Text.</summary>
    String,

    /// <summary>The identity of an entity.</summary>
    Entity,

    /// <summary>Values without order, each once.</summary>
    Set,

    /// <summary>Named values.</summary>
    Record,

    /// <summary>A decimal number with four digits after the point.</summary>
    Decimal,

    /// <summary>An instant, in milliseconds since 1970 UTC.</summary>
    DateTime,

    /// <summary>A length of time in milliseconds.</summary>
    Duration,

    /// <summary>An IPv4 or IPv6 address or range.</summary>
    Ip,
}
