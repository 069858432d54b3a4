using System.Text;
using Moat.Credentials;

namespace Moat.Gateway.Aws;

/// <summary>
/// One side's chain of chunk signatures: each covers the one before it, the first that of the head. Made for a body in
/// AWS's chunks ("Signature calculations: transferring payload in multiple chunks", S3's API reference).
/// </summary>
internal sealed class AwsChunks(byte[] key, string time, AwsCredentialScope scope, Func<string> seed)
{
    public const string Signed = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    public const string SignedWithTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

    private string _last = "";

    /// <summary>The signature of the next chunk.</summary>
    /// <param name="hash">Of its bytes, in lower-case hexadecimal.</param>
    public string Next(string hash) => Sign($"{SigV4.Algorithm}-PAYLOAD\n{time}\n{scope}\n{Last}\n{SigV4.EmptyHash}\n{hash}");

    /// <summary>The signature of the trailers, which end the chain.</summary>
    /// <param name="trailers">Each as <c>name:value</c> and a line feed.</param>
    public string Trailer(string trailers) => Sign($"{SigV4.Algorithm}-TRAILER\n{time}\n{scope}\n{Last}\n{SigV4.HashOf(Encoding.UTF8.GetBytes(trailers))}");

    private string Last => _last.Length > 0 ? _last : seed();

    private string Sign(string text) => _last = SigV4.Sign(key, text);
}
