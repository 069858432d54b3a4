using System.Buffers.Text;
using System.Security.Cryptography;

namespace Moat.Audit;

/// <summary>
/// The writing of one line, whose keys stand in RFC 8785 order:
/// <c>{"mono":ns,"payload":{},"prev":"hex","seq":n,"time":"...","type":"..."}</c>.
/// <c>prev</c> is the SHA-256 of the previous line without its newline, zeros in the first.
/// </summary>
internal static class RecordLine
{
    /// <summary>Longest payload in bytes, so that a reader's memory is bounded.</summary>
    public const int MaxPayload = 1024 * 1024;

    /// <summary>Longest line in bytes, without its newline.</summary>
    public const int MaxLine = MaxPayload + 1024;

    public const int MaxType = 128;

    public static void Write(ByteBuffer output, long mono, PayloadBuilder payload, ReadOnlySpan<byte> prev, long seq, DateTime utc, string type)
    {
        output.Add("{\"mono\":"u8);
        CanonicalWriter.Integer(output, mono);
        output.Add(",\"payload\":"u8);
        payload.WriteTo(output);
        output.Add(",\"prev\":\""u8);
        Convert.TryToHexStringLower(prev, output.Reserve(64), out var hex);
        output.Advance(hex);
        output.Add("\",\"seq\":"u8);
        CanonicalWriter.Integer(output, seq);
        output.Add(",\"time\":\""u8);
        Utf8Formatter.TryFormat(utc, output.Reserve(40), out var time, 'O');
        output.Advance(time);
        output.Add("\",\"type\":"u8);
        CanonicalWriter.String(output, type);
        output.Add("}\n"u8);
    }

    /// <summary>
    /// The hash of a line for the chain, and as a leaf of the tree (RFC 6962 section 2.1: a zero byte, then the line).
    /// The byte before the line is borrowed for that zero, which spares a copy.
    /// </summary>
    public static void Hash(byte[] buffer, int start, int length, Span<byte> chain, Span<byte> leaf)
    {
        var before = buffer[start - 1];
        SHA256.HashData(buffer.AsSpan(start, length), chain);
        buffer[start - 1] = 0;
        SHA256.HashData(buffer.AsSpan(start - 1, length + 1), leaf);
        buffer[start - 1] = before;
    }
}
