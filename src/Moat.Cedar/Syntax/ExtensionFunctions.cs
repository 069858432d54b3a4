using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Moat.Cedar;

/// <summary>What each <see cref="ExtensionFunction"/> is called, how it is called, and of what types it is.</summary>
public static class ExtensionFunctions
{
    private static readonly ImmutableArray<ExtensionSignature> Signatures =
    [
        new(ExtensionFunction.Ip, "ip", false, CedarKind.Ip, [CedarKind.String]),
        new(ExtensionFunction.IsIpv4, "isIpv4", true, CedarKind.Bool, [CedarKind.Ip]),
        new(ExtensionFunction.IsIpv6, "isIpv6", true, CedarKind.Bool, [CedarKind.Ip]),
        new(ExtensionFunction.IsLoopback, "isLoopback", true, CedarKind.Bool, [CedarKind.Ip]),
        new(ExtensionFunction.IsMulticast, "isMulticast", true, CedarKind.Bool, [CedarKind.Ip]),
        new(ExtensionFunction.IsInRange, "isInRange", true, CedarKind.Bool, [CedarKind.Ip, CedarKind.Ip]),
        new(ExtensionFunction.Decimal, "decimal", false, CedarKind.Decimal, [CedarKind.String]),
        new(ExtensionFunction.LessThan, "lessThan", true, CedarKind.Bool, [CedarKind.Decimal, CedarKind.Decimal]),
        new(ExtensionFunction.LessThanOrEqual, "lessThanOrEqual", true, CedarKind.Bool, [CedarKind.Decimal, CedarKind.Decimal]),
        new(ExtensionFunction.GreaterThan, "greaterThan", true, CedarKind.Bool, [CedarKind.Decimal, CedarKind.Decimal]),
        new(ExtensionFunction.GreaterThanOrEqual, "greaterThanOrEqual", true, CedarKind.Bool, [CedarKind.Decimal, CedarKind.Decimal]),
        new(ExtensionFunction.DateTime, "datetime", false, CedarKind.DateTime, [CedarKind.String]),
        new(ExtensionFunction.Offset, "offset", true, CedarKind.DateTime, [CedarKind.DateTime, CedarKind.Duration]),
        new(ExtensionFunction.DurationSince, "durationSince", true, CedarKind.Duration, [CedarKind.DateTime, CedarKind.DateTime]),
        new(ExtensionFunction.ToDate, "toDate", true, CedarKind.DateTime, [CedarKind.DateTime]),
        new(ExtensionFunction.ToTime, "toTime", true, CedarKind.Duration, [CedarKind.DateTime]),
        new(ExtensionFunction.Duration, "duration", false, CedarKind.Duration, [CedarKind.String]),
        new(ExtensionFunction.ToMilliseconds, "toMilliseconds", true, CedarKind.Long, [CedarKind.Duration]),
        new(ExtensionFunction.ToSeconds, "toSeconds", true, CedarKind.Long, [CedarKind.Duration]),
        new(ExtensionFunction.ToMinutes, "toMinutes", true, CedarKind.Long, [CedarKind.Duration]),
        new(ExtensionFunction.ToHours, "toHours", true, CedarKind.Long, [CedarKind.Duration]),
        new(ExtensionFunction.ToDays, "toDays", true, CedarKind.Long, [CedarKind.Duration]),
    ];

    private static readonly FrozenDictionary<string, ExtensionSignature> ByName = Signatures.ToFrozenDictionary(s => s.Name);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ExtensionSignature> All => Signatures;

    /// <summary>Its name, its style and its types.</summary>
    public static ExtensionSignature Signature(this ExtensionFunction function) => Signatures[(int)function];

    /// <summary>Its name in Cedar.</summary>
    public static string Name(this ExtensionFunction function) => Signatures[(int)function].Name;

    /// <summary>The function that reads values of an extension kind from their text.</summary>
    public static ExtensionFunction Constructor(this CedarKind kind) => Signatures.First(s => !s.IsMethod && s.Result == kind).Function;

    /// <summary>The one of that name, or null.</summary>
    public static ExtensionSignature? Find(string name) => ByName.GetValueOrDefault(name);
}

/// <summary>A function or method of an extension type.</summary>
/// <param name="Function">Which one.</param>
/// <param name="Name">Its name in Cedar.</param>
/// <param name="IsMethod">Whether it is written after a dot, the receiver being the first argument.</param>
/// <param name="Result">The type of what it gives.</param>
/// <param name="Parameters">The types of its arguments; the receiver of a method comes first.</param>
public sealed record ExtensionSignature(ExtensionFunction Function, string Name, bool IsMethod, CedarKind Result, ImmutableArray<CedarKind> Parameters)
{
    /// <summary>Whether it makes an extension value from a string.</summary>
    public bool IsConstructor => !IsMethod;
}
