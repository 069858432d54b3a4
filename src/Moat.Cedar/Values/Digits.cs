namespace Moat.Cedar;

/// <summary>Reads ASCII digits.</summary>
internal static class Digits
{
    /// <summary>The number; false when the text is empty, holds anything but digits, or exceeds 64 bits.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        if (text.IsEmpty) return false;
        foreach (var digit in text)
        {
            if (!char.IsAsciiDigit(digit)) return false;
            var next = (UInt128)value * 10 + (ulong)(digit - '0');
            if (next > ulong.MaxValue) return false;
            value = (ulong)next;
        }

        return true;
    }
}
