namespace Moat.Cedar;

/// <summary>
/// Reads the argument of <c>datetime(…)</c>: <c>YYYY-MM-DD</c>, and perhaps <c>Thh:mm:ss</c>, <c>.SSS</c> and then <c>Z</c> or
/// an offset <c>±hhmm</c>. The calendar is the Gregorian one, carried back to the year 0.
/// </summary>
internal static class DateTimeText
{
    private const long Second = 1_000;
    private const long Minute = 60 * Second;
    private const long Hour = 60 * Minute;
    private const long Day = 24 * Hour;

    /// <summary>Milliseconds since 1970-01-01T00:00:00Z; false when the text is no such instant.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out long milliseconds)
    {
        milliseconds = 0;
        if (text.Length < 10 || text[4] != '-' || text[7] != '-') return false;
        if (!TryReadField(text[..4], 9999, out var year) || !TryReadField(text[5..7], 12, out var month) || !TryReadField(text[8..10], 31, out var day)) return false;
        if (month < 1 || day < 1 || day > DaysOfMonth(year, month)) return false;
        milliseconds = DaysSinceEpoch(year, month, day) * Day;
        return text.Length == 10 || TryReadTime(text[10..], ref milliseconds);
    }

    private static bool TryReadTime(ReadOnlySpan<char> text, ref long milliseconds)
    {
        if (text.Length < 10 || text[0] != 'T' || text[3] != ':' || text[6] != ':') return false;
        if (!TryReadField(text[1..3], 23, out var hour) || !TryReadField(text[4..6], 59, out var minute) || !TryReadField(text[7..9], 59, out var second)) return false;
        milliseconds += hour * Hour + minute * Minute + second * Second;
        text = text[9..];
        if (text[0] == '.')
        {
            if (text.Length < 5 || !TryReadField(text[1..4], 999, out var fraction)) return false;
            milliseconds += fraction;
            text = text[4..];
        }

        return text is "Z" || TryReadOffset(text, ref milliseconds);
    }

    private static bool TryReadOffset(ReadOnlySpan<char> text, ref long milliseconds)
    {
        if (text.Length != 5 || text[0] is not ('+' or '-')) return false;
        if (!TryReadField(text[1..3], 23, out var hour) || !TryReadField(text[3..5], 59, out var minute)) return false;
        var offset = hour * Hour + minute * Minute;
        milliseconds -= text[0] == '+' ? offset : -offset;
        return true;
    }

    private static bool TryReadField(ReadOnlySpan<char> text, int most, out long value)
    {
        var isNumber = Digits.TryRead(text, out var number);
        value = (long)number;
        return isNumber && value <= most;
    }

    private static bool IsLeap(long year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    private static int DaysOfMonth(long year, long month) => month switch
    {
        2 => IsLeap(year) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    // The runtime's calendar begins with the year 1, so the year 0 is counted here: years of 365 days and the leap days before
    // the date, with March as the year's first month so that the leap day is its last.
    private static long DaysSinceEpoch(long year, long month, long day)
    {
        var shifted = month <= 2 ? year - 1 : year;
        var era = (shifted >= 0 ? shifted : shifted - 399) / 400;
        var yearOfEra = shifted - era * 400;
        var dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        var dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return era * 146_097 + dayOfEra - 719_468;
    }
}
