using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Moat.Gateway.Aws;

/// <summary>
/// Reads the bodies whose hash stands in no header: the signature covers it, so it has to be known before a byte leaves.
/// Two bounds keep the memory finite, one for a body and one for all that are read or forwarded at a time.
/// </summary>
internal sealed class AwsBodies
{
    /// <summary>Bytes of one body.</summary>
    public const int MaxLength = 8 * 1024 * 1024;

    /// <summary>Bytes of all bodies at a time.</summary>
    public const long MaxTotal = 64 * 1024 * 1024;

    private long _held;

    /// <summary>The body; null when one of the bounds is reached. <see cref="Release"/> it by its length.</summary>
    public async ValueTask<byte[]?> ReadAsync(HttpRequest request)
    {
        if (request.ContentLength > MaxLength)
            return null;
        var body = new ArrayBufferWriter<byte>();
        long held = 0;
        var isWhole = false;
        try
        {
            while (true)
            {
                var result = await request.BodyReader.ReadAsync();
                held += result.Buffer.Length;
                var fits = Interlocked.Add(ref _held, result.Buffer.Length) <= MaxTotal && held <= MaxLength;
                if (fits)
                    body.Write(result.Buffer.ToArray());
                request.BodyReader.AdvanceTo(result.Buffer.End);
                if (!fits)
                    return null;
                if (result.IsCompleted)
                {
                    isWhole = true;
                    return body.WrittenSpan.ToArray();
                }
            }
        }
        finally
        {
            if (!isWhole)
                Release(held);
        }
    }

    public void Release(long length) => Interlocked.Add(ref _held, -length);
}
