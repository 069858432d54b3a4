namespace Moat.Cedar;

/// <summary>Reads the argument of <c>duration(…)</c>: numbers with the units d, h, m, s and ms, each at most once and in this order, perhaps after a minus.</summary>
internal static class DurationText
{
    private static readonly (string Name, long Milliseconds)[] Units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

    /// <summary>Milliseconds; false when the text is no such length, or a part or the sum does not fit into a long.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out long milliseconds)
    {
        milliseconds = 0;
        var isNegative = text is ['-', ..];
        if (isNegative) text = text[1..];
        if (text.IsEmpty) return false;
        Int128 sum = 0;
        var unit = -1;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExceptInRange('0', '9');
            if (digits < 1 || !Digits.TryRead(text[..digits], out var number)) return false;
            text = text[digits..];
            var name = text.StartsWith("ms") ? "ms" : text[..1];
            var found = UnitOf(name);
            if (found <= unit) return false;
            unit = found;
            text = text[name.Length..];
            var part = (Int128)number * Units[unit].Milliseconds;

            // Each part has to fit by itself; only the least negative one may exceed the greatest positive.
            if (part > (unit == Units.Length - 1 && isNegative ? (Int128)long.MaxValue + 1 : long.MaxValue)) return false;
            sum += part;
        }

        if (isNegative) sum = -sum;
        milliseconds = (long)sum;
        return sum == milliseconds;
    }

    private static int UnitOf(ReadOnlySpan<char> name)
    {
        for (var i = 0; i < Units.Length; i++)
        {
            if (name.SequenceEqual(Units[i].Name)) return i;
        }

        return -1;
    }
}
