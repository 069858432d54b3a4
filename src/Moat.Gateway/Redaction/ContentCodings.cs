using System.IO.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Moat.Gateway.Redaction;

/// <summary>
/// The content codings (RFC 9110 §8.4.1, RFC 9659) that the gateway can look into. Decoding streams: memory is bounded by
/// the coding's window whatever the body expands to, and each read returns what is decodable so far.
/// </summary>
internal static class ContentCodings
{
    // A chain of many codings is no use to anybody and multiplies the cost of a bomb.
    private const int MaxChain = 3;

    // RFC 9659 §3: 8 MiB is the largest window of the zstd content coding.
    private const int ZstdWindowLog = 23;

    // By default the base library takes a body that is cut short for a whole one. The client would have noticed when it
    // decoded by itself, so the gateway must. Read once, when the first decoder of the process is made.
    static ContentCodings() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>The codings in the order they were applied, without identity; null when one of them cannot be decoded.</summary>
    internal static List<string>? Parse(IEnumerable<string> contentEncoding)
    {
        var chain = new List<string>();
        foreach (var value in contentEncoding)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var coding = value.AsSpan()[range].Trim(" \t").ToString().ToLowerInvariant();
                if (coding is "" or "identity") continue;
                if (!IsKnown(coding) || chain.Count == MaxChain) return null;
                chain.Add(coding);
            }
        }
        return chain;
    }

    /// <summary>Undoes the codings, last applied first. The result owns <paramref name="body"/>.</summary>
    internal static Stream Decode(Stream body, List<string> codings)
    {
        for (var i = codings.Count - 1; i >= 0; i--)
        {
            body = codings[i] switch
            {
                "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress),
                "deflate" => new DeflateBody(body),
                "br" => new BrotliStream(body, CompressionMode.Decompress),
                "zstd" => Zstd(body),
                var other => throw new ArgumentException($"unknown coding {other}", nameof(codings)),
            };
        }
        return body;
    }

    /// <summary>
    /// An Accept-Encoding value with only what can be decoded; <c>identity</c> when nothing else is left. <c>*</c> goes: it
    /// would invite any coding.
    /// </summary>
    internal static string Narrow(IEnumerable<string> acceptEncoding)
    {
        var kept = new List<string>();
        foreach (var value in acceptEncoding)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var item = value.AsSpan()[range].Trim(" \t");
                var semicolon = item.IndexOf(';');
                var coding = (semicolon < 0 ? item : item[..semicolon]).Trim(" \t").ToString().ToLowerInvariant();
                if (coding == "identity" || IsKnown(coding)) kept.Add(item.ToString());
            }
        }
        return kept.Count == 0 ? "identity" : string.Join(", ", kept);
    }

    private static bool IsKnown(string coding) => coding is "gzip" or "x-gzip" or "deflate" or "br" or "zstd";

    private static DecompressionStream Zstd(Stream body)
    {
        var zstd = new DecompressionStream(body, leaveOpen: false);
        zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, ZstdWindowLog);
        return zstd;
    }
}
