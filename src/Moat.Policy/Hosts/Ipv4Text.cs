using System.Net;

namespace Moat.Policy;

/// <summary>
/// IPv4 as inet_aton reads it: one to four parts, each decimal, octal (<c>0…</c>) or hexadecimal (<c>0x…</c>), the last
/// filling what is left. Clients and resolvers accept all of these, so a policy that read the dotted quad alone would
/// take <c>0x7f.1</c> for a name.
/// </summary>
internal static class Ipv4Text
{
    /// <summary>True when the last label is a number in one of the three bases, well-formed or not.</summary>
    public static bool EndsInNumber(ReadOnlySpan<char> name)
    {
        var label = name[(name.LastIndexOf('.') + 1)..];
        if (IsHexadecimal(label))
        {
            foreach (var c in label[2..])
            {
                if (!char.IsAsciiHexDigit(c)) return false;
            }

            return true;
        }

        return !label.IsEmpty && !label.ContainsAnyExceptInRange('0', '9');
    }

    public static bool TryParse(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        Span<uint> parts = stackalloc uint[4];
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            if (count == 4 || !TryNumber(text[range], out parts[count++])) return false;
        }

        // The last of n parts fills 5 - n bytes.
        ulong value = parts[count - 1];
        if (value >= 1UL << (8 * (5 - count))) return false;
        for (var i = 0; i < count - 1; i++)
        {
            if (parts[i] > 255) return false;
            value |= (ulong)parts[i] << (8 * (3 - i));
        }

        address = new IPAddress([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        return true;
    }

    private static bool IsHexadecimal(ReadOnlySpan<char> part) => part.Length > 1 && part[0] == '0' && part[1] is 'x' or 'X';

    private static bool TryNumber(ReadOnlySpan<char> part, out uint value)
    {
        value = 0;
        if (part.IsEmpty) return false;
        var radix = 10u;
        if (part[0] == '0') radix = 8u;
        if (IsHexadecimal(part))
        {
            radix = 16u;
            part = part[2..];
        }

        ulong sum = 0;
        foreach (var c in part)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
            var digit = (uint)(char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
            if (digit >= radix) return false;
            sum = (sum * radix) + digit;
            if (sum > uint.MaxValue) return false;
        }

        value = (uint)sum;
        return true;
    }
}
