namespace Moat.Cedar;

/// <summary>Reads the argument of <c>decimal(…)</c>: digits, a point, one to four digits, and perhaps a minus before.</summary>
internal static class DecimalText
{
    private const int Scale = 10_000;

    /// <summary>The number times 10,000; false when the text is no such number or it does not fit into a long.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        var isNegative = text is ['-', ..];
        if (isNegative) text = text[1..];
        var point = text.IndexOf('.');
        if (point < 1) return false;
        var fraction = text[(point + 1)..];
        if (fraction.Length is 0 or > 4) return false;
        if (!Digits.TryRead(text[..point], out var whole) || !Digits.TryRead(fraction, out var part)) return false;
        for (var i = fraction.Length; i < 4; i++) part *= 10;
        var scaled = (Int128)whole * Scale + (long)part;
        if (isNegative) scaled = -scaled;
        value = (long)scaled;
        return scaled == value;
    }
}
