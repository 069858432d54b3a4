using System.Text;
using CsCheck;
using Moat.Credentials;
using Moat.Gateway.Aws;

namespace Moat.Gateway.Tests;

/// <summary>The chain of chunks, against AWS's published examples and over every split.</summary>
public sealed class AwsChunkStreamTests
{
    private const string Time = "20130524T000000Z";
    private static readonly AwsCredentialScope Scope = new("20130524", "us-east-1", "s3");
    private static readonly byte[] ExampleKey = SigV4.DeriveKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"u8, Scope), OtherKey = SigV4.DeriveKey("a placeholder"u8, Scope);
    private static readonly string[] Example = ["4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"];

    private static readonly string[] TrailerExample = ["106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992", "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_published_chain_is_read_and_made(bool trailer)
    {
        var published = trailer ? TrailerExample : Example;
        var framed = Frame(published, trailer);
        // Theirs is the published one; then ours is, from what the other key signed.
        var resigned = await ReadAsync(framed, Chain(ExampleKey, published[0]), Chain(OtherKey, "seed"), trailer, int.MaxValue);
        Assert.Equal(framed.Length, resigned.Length);
        Assert.NotEqual(framed, resigned);
        Assert.Equal(framed, await ReadAsync(resigned, Chain(OtherKey, "seed"), Chain(ExampleKey, published[0]), trailer, int.MaxValue));
    }

    [Fact]
    public void Every_split_and_every_size_of_chunk_gives_the_same()
        => Gen.Select(Gen.Int[0, 300_000], Gen.Int[1, 150_000], Gen.Int[1, 70_000], Gen.Bool).Sample(
            (length, chunk, split, trailer) =>
            {
                var data = new byte[length];
                new Random(length).NextBytes(data);
                var framed = Frame(data, chunk, OtherKey, trailer);
                var read = ReadAsync(framed, Chain(OtherKey, "seed"), Chain(ExampleKey, "seed"), trailer, split).GetAwaiter().GetResult();
                return read.AsSpan().SequenceEqual(Frame(data, chunk, ExampleKey, trailer));
            }, iter: 200);

    [Theory]
    [InlineData("")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("-5;chunk-signature=SIG\r\nhello\r\n")]
    [InlineData("5;chunk-signature=SIG;more=1\r\nhello\r\n")]
    [InlineData("5;CHUNK-signature=SIG\r\nhello\r\n")]
    [InlineData("fffffffff;chunk-signature=SIG\r\nhello\r\n")]
    [InlineData("80000001;chunk-signature=SIG\r\nhello\r\n")]
    [InlineData("5 ;chunk-signature=SIG\r\nhello\r\n")]
    [InlineData("5;chunk-signature=SIG\nhello\n")]
    public async Task What_is_no_chunk_ends_the_body(string text)
        => await Assert.ThrowsAsync<AwsPayloadException>(() => ReadAsync(Encoding.ASCII.GetBytes(text.Replace("SIG", Example[0], StringComparison.Ordinal)), Chain(OtherKey, "seed"), Chain(ExampleKey, "seed"), false, 10));

    [Fact]
    public async Task Nothing_may_follow_the_last_chunk_and_the_last_chunk_may_not_be_missing()
    {
        var framed = Frame(new byte[100], 40, OtherKey, false);
        await Assert.ThrowsAsync<AwsPayloadException>(() => ReadAsync([.. framed, 1], Chain(OtherKey, "seed"), Chain(ExampleKey, "seed"), false, 1000));
        await Assert.ThrowsAsync<AwsPayloadException>(() => ReadAsync(framed[..^2], Chain(OtherKey, "seed"), Chain(ExampleKey, "seed"), false, 1000));
        await Assert.ThrowsAsync<AwsPayloadException>(() => ReadAsync(framed, Chain(OtherKey, "seed"), Chain(ExampleKey, "seed"), true, 1000));
    }

    private static AwsChunks Chain(byte[] key, string seed) => new(key, Time, Scope, () => seed);

    private static byte[] Frame(string[] signatures, bool trailer)
    {
        var text = new StringBuilder().Append("10000;chunk-signature=").Append(signatures[1]).Append("\r\n").Append('a', 65536).Append("\r\n400;chunk-signature=").Append(signatures[2]).Append("\r\n").Append('a', 1024)
            .Append("\r\n0;chunk-signature=").Append(signatures[3]).Append("\r\n");
        if (trailer) text.Append("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:").Append(signatures[4]).Append("\r\n");
        return Encoding.ASCII.GetBytes(text.Append("\r\n").ToString());
    }

    private static byte[] Frame(byte[] data, int size, byte[] key, bool trailer)
    {
        var (framed, chain) = (new MemoryStream(), Chain(key, "seed"));
        for (var at = 0; ; at += size)
        {
            var chunk = data.AsSpan(Math.Min(at, data.Length), Math.Clamp(data.Length - at, 0, size));
            framed.Write(Encoding.ASCII.GetBytes($"{chunk.Length:x};chunk-signature={chain.Next(SigV4.HashOf(chunk))}\r\n"));
            framed.Write(chunk);
            if (chunk.Length == 0) break;
            framed.Write("\r\n"u8);
        }
        if (trailer) framed.Write(Encoding.ASCII.GetBytes($"x-amz-checksum-crc32: AAAAAA==\r\nx-amz-trailer-signature:{chain.Trailer("x-amz-checksum-crc32:AAAAAA==\n")}\r\n"));
        framed.Write("\r\n"u8);
        return framed.ToArray();
    }

    private static async Task<byte[]> ReadAsync(byte[] framed, AwsChunks theirs, AwsChunks ours, bool trailer, int split)
    {
        await using var stream = new AwsChunkStream(new Slow(framed, split), theirs, ours, trailer, () => false);
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    /// <summary>Gives at most so many bytes at a time.</summary>
    private sealed class Slow(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => base.ReadAsync(buffer[..Math.Min(buffer.Length, most)], cancellationToken);
    }
}
