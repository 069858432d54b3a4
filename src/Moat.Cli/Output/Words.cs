using System.Globalization;

namespace Moat.Cli.Output;

/// <summary>Times and sizes as a person reads them.</summary>
internal static class Words
{
    public static string Age(DateTimeOffset since) => (DateTimeOffset.UtcNow - since) switch
    {
        { TotalSeconds: < 1 } => "now",
        { TotalMinutes: < 1 } span => Number(span.TotalSeconds, "s"),
        { TotalHours: < 1 } span => Number(span.TotalMinutes, "m"),
        { TotalDays: < 1 } span => Number(span.TotalHours, "h"),
        var span => Number(span.TotalDays, "d"),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        < 1024 => Number(bytes, " B"),
        < 1024 * 1024 => Decimal(bytes / 1024.0, " KiB"),
        < 1024L * 1024 * 1024 => Decimal(bytes / 1024.0 / 1024, " MiB"),
        _ => Decimal(bytes / 1024.0 / 1024 / 1024, " GiB"),
    };

    public static string Clock(DateTimeOffset time) => time.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Day(DateTimeOffset? time) => time?.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-";

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value, string unit) => ((long)value).ToString(CultureInfo.InvariantCulture) + unit;

    private static string Decimal(double value, string unit) => value.ToString("0.0", CultureInfo.InvariantCulture) + unit;
}
