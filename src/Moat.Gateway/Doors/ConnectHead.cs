using System.Buffers;
using System.Text;
using Moat.Gateway.Identity;

namespace Moat.Gateway.Doors;

internal enum ConnectHeadStatus
{
    /// <summary>More bytes are needed to tell.</summary>
    Incomplete,

    /// <summary>Another method: an HTTP server's business.</summary>
    NotConnect,

    Malformed,

    Complete,
}

/// <summary>
/// The head of a CONNECT request (RFC 9110 §9.3.6, RFC 9112 §3.2.3), read strictly: anything that two parsers could
/// read in two ways is malformed.
/// </summary>
internal static class ConnectHead
{
    /// <summary>Bytes of a head; real ones have some 200, a Proxy-Authorization with a ticket some 12,000.</summary>
    public const int MaxLength = 16 * 1024;

    private static ReadOnlySpan<byte> Method => "CONNECT "u8;

    /// <param name="buffer">What arrived so far.</param>
    /// <param name="target">The target, when complete.</param>
    /// <param name="length">Length of the head in bytes, when complete.</param>
    /// <param name="error">For a person, when malformed.</param>
    public static ConnectHeadStatus Read(in ReadOnlySequence<byte> buffer, out Authority target, out int length, out string error)
    {
        target = default;
        length = 0;
        error = "";
        Span<byte> start = stackalloc byte[Method.Length];
        var known = (int)Math.Min(buffer.Length, start.Length);
        buffer.Slice(0, known).CopyTo(start);
        if (!start[..known].SequenceEqual(Method[..known]))
            return ConnectHeadStatus.NotConnect;
        if (known < Method.Length)
            return ConnectHeadStatus.Incomplete;

        var bytes = ArrayPool<byte>.Shared.Rent(MaxLength);
        try
        {
            var count = (int)Math.Min(buffer.Length, MaxLength);
            buffer.Slice(0, count).CopyTo(bytes);
            var end = bytes.AsSpan(0, count).IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                error = $"the CONNECT request's head is longer than {MaxLength} bytes";
                return count == MaxLength ? ConnectHeadStatus.Malformed : ConnectHeadStatus.Incomplete;
            }
            length = end + 4;
            return ReadHead(bytes.AsSpan(0, end), out target, out error) ? ConnectHeadStatus.Complete : ConnectHeadStatus.Malformed;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static bool ReadHead(ReadOnlySpan<byte> head, out Authority target, out string error)
    {
        target = default;
        var lineEnd = head.IndexOf("\r\n"u8);
        var line = lineEnd < 0 ? head : head[..lineEnd];
        var fields = lineEnd < 0 ? default : head[(lineEnd + 2)..];

        var authority = line[Method.Length..];
        var space = authority.IndexOf((byte)' ');
        if (space < 0 || !IsVersion(authority[(space + 1)..]))
        {
            error = "the CONNECT request line is not 'CONNECT host:port HTTP/1.1'";
            return false;
        }
        if (!TryAuthority(authority[..space], defaultPort: 0, out target, out error))
            return false;

        var hosts = 0;
        while (!fields.IsEmpty)
        {
            lineEnd = fields.IndexOf("\r\n"u8);
            line = lineEnd < 0 ? fields : fields[..lineEnd];
            fields = lineEnd < 0 ? default : fields[(lineEnd + 2)..];
            if (!CheckField(line, target, ref hosts, out error))
                return false;
        }
        return true;
    }

    private static bool CheckField(ReadOnlySpan<byte> line, in Authority target, ref int hosts, out string error)
    {
        var colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAny((byte)' ', (byte)'\t') || HasControl(line))
        {
            error = "the CONNECT request has a malformed header line";
            return false;
        }
        var name = line[..colon];
        var value = line[(colon + 1)..].Trim(" \t"u8);
        if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8) || (Ascii.EqualsIgnoreCase(name, "content-length"u8) && !value.SequenceEqual("0"u8)))
        {
            error = "a CONNECT request has no body";
            return false;
        }
        error = "";
        if (!Ascii.EqualsIgnoreCase(name, "host"u8))
            return true;

        // Some clients leave the port out of Host; where it is given it must be the target's.
        if (++hosts > 1 || !TryAuthority(value, target.Port, out var host, out _) || host != target)
        {
            error = "the CONNECT request's Host is not its target";
            return false;
        }
        return true;
    }

    private static bool TryAuthority(ReadOnlySpan<byte> bytes, int defaultPort, out Authority authority, out string error)
    {
        // Longer ones cannot be a host; Authority says so.
        Span<char> chars = stackalloc char[Math.Min(bytes.Length, 512)];
        for (var i = 0; i < chars.Length; i++)
            chars[i] = (char)bytes[i];
        return Authority.TryParse(chars, defaultPort, out authority, out error);
    }

    private static bool IsVersion(ReadOnlySpan<byte> version) => version.SequenceEqual("HTTP/1.1"u8) || version.SequenceEqual("HTTP/1.0"u8);

    private static bool HasControl(ReadOnlySpan<byte> line)
    {
        foreach (var b in line)
        {
            if ((b < 0x20 && b != '\t') || b == 0x7F)
                return true;
        }
        return false;
    }
}
