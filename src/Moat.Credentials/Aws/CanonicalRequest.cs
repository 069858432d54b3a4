using System.Buffers;
using System.Text;

namespace Moat.Credentials;

/// <summary>
/// A request in the one form that both sides of a SigV4 signature hash. Paths and queries come as they are on the wire,
/// percent-encoded once.
/// </summary>
public static class CanonicalRequest
{
    private const string Hexadecimal = "0123456789ABCDEF";
    private static readonly SearchValues<char> s_unreserved = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");

    /// <summary>Puts a canonical request together.</summary>
    /// <param name="method">In upper case.</param>
    /// <param name="service">Of the credential scope: S3 and its kin read paths in their own way.</param>
    /// <param name="path">Of the wire, without the query.</param>
    /// <param name="query">Of <see cref="Query"/>.</param>
    /// <param name="headers">The signed headers: names in lower case, sorted by ordinal.</param>
    /// <param name="payloadHash">The body's hash, or the word that stands for it.</param>
    public static string Write(string method, string service, string path, string query, IReadOnlyList<KeyValuePair<string, string>> headers, string payloadHash)
    {
        var text = new StringBuilder(512).Append(method).Append('\n').Append(Path(service, path)).Append('\n').Append(query).Append('\n');
        foreach (var (name, value) in headers)
        {
            text.Append(name).Append(':');
            AppendTrimmed(text, value);
            text.Append('\n');
        }
        text.Append('\n');
        for (var i = 0; i < headers.Count; i++)
        {
            if (i > 0) text.Append(';');
            text.Append(headers[i].Key);
        }
        return text.Append('\n').Append(payloadHash).ToString();
    }

    /// <summary>The canonical query: each name and value encoded in the one way, sorted by name and value, without the parameter <paramref name="leftOut"/>.</summary>
    public static string Query(string query, string leftOut = "")
    {
        if (query.Length == 0) return "";
        var pairs = new List<(string Name, string Value)>();
        foreach (var range in query.AsSpan().Split('&'))
        {
            var pair = query.AsSpan(range);
            if (pair.IsEmpty) continue;
            var equals = pair.IndexOf('=');
            var name = Recode(equals < 0 ? pair : pair[..equals]);
            if (leftOut.Length > 0 && name == leftOut) continue;
            pairs.Add((name, equals < 0 ? "" : Recode(pair[(equals + 1)..])));
        }
        pairs.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name) is not 0 and var order ? order : string.CompareOrdinal(one.Value, other.Value));
        return string.Join('&', pairs.Select(pair => $"{pair.Name}={pair.Value}"));
    }

    /// <summary>Percent-encodes everything but letters, digits and <c>-._~</c> (RFC 3986 §2.3).</summary>
    public static string Encode(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyExcept(s_unreserved)) return text.ToString();
        var encoded = new StringBuilder(text.Length + 16);
        foreach (var value in Encoding.UTF8.GetBytes(text.ToString())) AppendEncoded(encoded, value);
        return encoded.ToString();
    }

    /// <summary>True for the services whose paths are encoded once and never shortened.</summary>
    public static bool KeepsPath(string service) => service is "s3" or "s3express" or "s3-outposts" or "s3-object-lambda";

    private static string Path(string service, string path)
    {
        if (KeepsPath(service)) return string.Join('/', path.Split('/').Select(segment => Recode(segment)));
        var kept = new List<string>();
        var segments = path.Split('/');
        foreach (var segment in segments)
        {
            if (segment == "..")
            {
                if (kept.Count > 0) kept.RemoveAt(kept.Count - 1);
            }
            else if (segment is not ("" or "."))
            {
                kept.Add(Encode(segment));
            }
        }
        var joined = "/" + string.Join('/', kept);
        return joined.Length > 1 && segments[^1].Length == 0 ? joined + "/" : joined;
    }

    /// <summary>Decoded and encoded anew, so that two spellings of one text become one.</summary>
    private static string Recode(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyExcept(s_unreserved)) return text.ToString();
        var encoded = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                AppendEncoded(encoded, (byte)((Value(text[i + 1]) << 4) | Value(text[i + 2])));
                i += 2;
            }
            else
            {
                // What comes here was checked to be visible ASCII.
                AppendEncoded(encoded, (byte)text[i]);
            }
        }
        return encoded.ToString();
    }

    private static int Value(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static void AppendEncoded(StringBuilder text, byte value)
    {
        if (s_unreserved.Contains((char)value)) text.Append((char)value);
        else text.Append('%').Append(Hexadecimal[value >> 4]).Append(Hexadecimal[value & 15]);
    }

    /// <summary>Without space around it, and with one space for each run of them.</summary>
    private static void AppendTrimmed(StringBuilder text, string value)
    {
        var trimmed = value.AsSpan().Trim(' ');
        for (var i = 0; i < trimmed.Length; i++)
        {
            if (trimmed[i] != ' ' || trimmed[i - 1] != ' ') text.Append(trimmed[i]);
        }
    }
}
