using System.Diagnostics;

namespace Moat.Cedar;

/// <summary>What went wrong in a call of an extension function.</summary>
internal enum ExtensionFault
{
    None,

    /// <summary>The first argument is of the wrong kind.</summary>
    FirstKind,

    /// <summary>The second argument is of the wrong kind.</summary>
    SecondKind,

    /// <summary>The text is not one that the constructor reads.</summary>
    Text,

    /// <summary>The result does not fit into a long.</summary>
    Overflow,
}

/// <summary>Carries out the calls of extension functions. Nothing is allocated, but for an address that is read from its text.</summary>
internal static class ExtensionOperations
{
    private const long Day = 86_400_000;

    /// <summary>The result of a call with as many arguments as the signature has; the second is ignored by functions of one.</summary>
    public static ExtensionFault Apply(ExtensionFunction function, CedarValue first, CedarValue second, out CedarValue result)
    {
        result = default;
        var parameters = function.Signature().Parameters;
        if (first.Kind != parameters[0]) return ExtensionFault.FirstKind;
        if (parameters.Length > 1 && second.Kind != parameters[1]) return ExtensionFault.SecondKind;
        return parameters[0] switch
        {
            CedarKind.String => Read(function, first.AsString()!, out result),
            CedarKind.Ip => Ip(function, first.AsIp()!, second.AsIp(), out result),
            CedarKind.Decimal => Decimal(function, Scaled(first), Scaled(second), out result),
            CedarKind.DateTime => DateTime(function, Scaled(first), Scaled(second), out result),
            _ => Duration(function, Scaled(first), out result),
        };
    }

    private static long Scaled(CedarValue value) => value.TryGetScaled(value.Kind, out var number) ? number : 0;

    private static ExtensionFault Read(ExtensionFunction function, string text, out CedarValue result)
    {
        result = default;
        switch (function)
        {
            case ExtensionFunction.Ip when CedarIp.Parse(text) is { } ip:
                result = CedarValue.Ip(ip);
                return ExtensionFault.None;
            case ExtensionFunction.Decimal when DecimalText.TryRead(text, out var number):
                result = CedarValue.Decimal(number);
                return ExtensionFault.None;
            case ExtensionFunction.DateTime when DateTimeText.TryRead(text, out var instant):
                result = CedarValue.DateTime(instant);
                return ExtensionFault.None;
            case ExtensionFunction.Duration when DurationText.TryRead(text, out var length):
                result = CedarValue.Duration(length);
                return ExtensionFault.None;
            default:
                return ExtensionFault.Text;
        }
    }

    private static ExtensionFault Ip(ExtensionFunction function, CedarIp ip, CedarIp? range, out CedarValue result)
    {
        result = CedarValue.Bool(function switch
        {
            ExtensionFunction.IsIpv4 => !ip.IsIpv6,
            ExtensionFunction.IsIpv6 => ip.IsIpv6,
            ExtensionFunction.IsLoopback => ip.IsLoopback,
            ExtensionFunction.IsMulticast => ip.IsMulticast,
            _ => ip.IsInRange(range!),
        });
        return ExtensionFault.None;
    }

    private static ExtensionFault Decimal(ExtensionFunction function, long left, long right, out CedarValue result)
    {
        result = CedarValue.Bool(function switch
        {
            ExtensionFunction.LessThan => left < right,
            ExtensionFunction.LessThanOrEqual => left <= right,
            ExtensionFunction.GreaterThan => left > right,
            _ => left >= right,
        });
        return ExtensionFault.None;
    }

    private static ExtensionFault DateTime(ExtensionFunction function, long instant, long other, out CedarValue result)
    {
        var timeOfDay = ((instant % Day) + Day) % Day;
        var (exact, isInstant) = function switch
        {
            ExtensionFunction.Offset => ((Int128)instant + other, true),
            ExtensionFunction.DurationSince => ((Int128)instant - other, false),
            ExtensionFunction.ToDate => ((Int128)instant - timeOfDay, true),
            ExtensionFunction.ToTime => (timeOfDay, false),
            _ => throw new UnreachableException(),
        };
        var number = (long)exact;
        result = isInstant ? CedarValue.DateTime(number) : CedarValue.Duration(number);
        return number == exact ? ExtensionFault.None : ExtensionFault.Overflow;
    }

    // Parts of a unit are cut off towards zero.
    private static ExtensionFault Duration(ExtensionFunction function, long length, out CedarValue result)
    {
        result = CedarValue.Long(function switch
        {
            ExtensionFunction.ToMilliseconds => length,
            ExtensionFunction.ToSeconds => length / 1_000,
            ExtensionFunction.ToMinutes => length / 60_000,
            ExtensionFunction.ToHours => length / 3_600_000,
            _ => length / Day,
        });
        return ExtensionFault.None;
    }
}
