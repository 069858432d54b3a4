using System.Globalization;
using System.Text;

namespace Moat.Cedar;

/// <summary>Writes values as Cedar expressions, and the extension types as the texts that their functions read.</summary>
internal static class ValueText
{
    public static string Write(CedarValue value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    /// <summary>The number with one to four digits after the point.</summary>
    public static string Decimal(long tenThousandths)
    {
        var magnitude = UInt128.CreateChecked(Int128.Abs(tenThousandths));
        var fraction = ((int)(magnitude % 10_000)).ToString("D4", CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{(tenThousandths < 0 ? "-" : "")}{magnitude / 10_000}.{fraction}");
    }

    private static void Append(StringBuilder text, CedarValue value)
    {
        switch (value.Kind)
        {
            case CedarKind.Bool:
                text.Append(value.TryGetBool(out var truth) && truth ? "true" : "false");
                break;
            case CedarKind.Long when value.TryGetLong(out var number):
                text.Append(number);
                break;
            case CedarKind.String:
                text.Append(CedarString.Quote(value.AsString()));
                break;
            case CedarKind.Entity:
                text.Append(value.AsEntity());
                break;
            case CedarKind.Set:
                AppendSet(text, value.AsSet()!);
                break;
            case CedarKind.Record:
                AppendRecord(text, value.AsRecord()!);
                break;
            case CedarKind.Decimal when value.TryGetScaled(CedarKind.Decimal, out var scaled):
                text.Append(CultureInfo.InvariantCulture, $"decimal(\"{Decimal(scaled)}\")");
                break;
            case CedarKind.DateTime when value.TryGetScaled(CedarKind.DateTime, out var instant):
                // An instant past the year 9999 has no literal; every instant is an offset from the first.
                text.Append(CultureInfo.InvariantCulture, $"datetime(\"1970-01-01\").offset(duration(\"{instant}ms\"))");
                break;
            case CedarKind.Duration when value.TryGetScaled(CedarKind.Duration, out var length):
                text.Append(CultureInfo.InvariantCulture, $"duration(\"{length}ms\")");
                break;
            case CedarKind.Ip:
                text.Append(CultureInfo.InvariantCulture, $"ip(\"{value.AsIp()}\")");
                break;
        }
    }

    private static void AppendSet(StringBuilder text, CedarSet set)
    {
        text.Append('[');
        var separator = "";
        foreach (var element in set.Elements)
        {
            text.Append(separator);
            Append(text, element);
            separator = ", ";
        }

        text.Append(']');
    }

    private static void AppendRecord(StringBuilder text, CedarRecord record)
    {
        text.Append('{');
        var separator = "";
        foreach (var (name, value) in record.Fields)
        {
            text.Append(separator).Append(CedarString.Quote(name)).Append(": ");
            Append(text, value);
            separator = ", ";
        }

        text.Append('}');
    }
}
